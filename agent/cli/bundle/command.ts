import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { configPath } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { command, type Run, textOption } from '../kit/command.ts';
import { Progress } from '../kit/progress.ts';
import { type Screen, screenOf, wrap } from '../kit/screen.ts';
import { archive } from './archive.ts';
import { type Collected, collect } from './collect.ts';
import { keep } from './keep.ts';
import { settingsIn, textOf } from './settings.ts';

/** `newleaf support-bundle` @param itself argv of this very program; a command follows */
export const supportBundle = (itself: readonly string[]): Run =>
  command(async (args, io) => {
    const screen = screenOf(io.out, io.env);
    const progress = new Progress(io.out, screen);
    const settings = settingsIn(resolve(configPath(textOption(args, 'config'), io.env)));
    const now = io.now();
    const name = `newleaf-support-${nameOf(textOf(settings, 'dps.registration_id'))}-${stamp(now)}`;
    const path = resolve(textOption(args, 'out') ?? join(tmpdir(), `${name}.tar.gz`));
    progress.doing('collecting everything, which takes longer if a server does not answer');
    const files = await collect({ settings, env: io.env, now, itself }).finally(() => progress.end());
    const contents = { name: 'contents.txt', content: Buffer.from(contentsInWords(files)) };
    await keep(path, archive(name, [contents, ...files], now), io.env);
    io.out.write(written(path, files, screen));
    return EXIT.done;
  });

/** `:` may be in a registration ID, and before it tar(1) looks for the name of a host. */
const nameOf = (registrationId = 'unknown'): string => registrationId.replaceAll(/[^\w.-]/g, '-').slice(0, 64);

/** `20261125T134953Z` */
const stamp = (at: number): string => new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');

function contentsInWords(files: readonly Collected[]): string {
  const rows = files.map(
    ({ name, about, trouble }) => `${name.padEnd(20)}${about}${trouble === undefined ? '' : ' (NOT THERE)'}`,
  );
  return `${['Secrets are replaced by [redacted].', '', ...rows].join('\n')}\n`;
}

/** The path comes first: the reader needs it most. */
function written(path: string, files: readonly Collected[], screen: Screen): string {
  const rows = files.map(({ name, about, trouble }) => {
    const words = trouble === undefined ? about : `${about}: ${trouble}`;
    return wrap(screen, words, { first: `  ${name.padEnd(20)}`, rest: ' '.repeat(22) }).join('\n');
  });
  const last = [
    'PIN, passwords and keys are not in it, and private settings were taken out. Look into it all the same: it names this gateway, its hub and its network.',
    'Send it to the support of your gateways.',
  ];
  return `${[path, '', ...rows, '', ...last.flatMap((one) => wrap(screen, one))].join('\n')}\n`;
}
