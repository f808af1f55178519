import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { configPath } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { isContained } from '../../machine/contained.ts';
import { command, Misuse, type Run, textOption } from '../kit/command.ts';
import { Progress } from '../kit/progress.ts';
import { type Screen, screenOf, wrap } from '../kit/screen.ts';
import { archive } from './archive.ts';
import { type Collected, collect } from './collect.ts';
import { keep } from './keep.ts';
import { settingsIn, textOf } from './settings.ts';

type Stdout = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** `newleaf support-bundle` @param itself argv of this very program; a command follows @param stdout for `-o -` */
export const supportBundle = (itself: readonly string[], stdout: Stdout = process.stdout): Run =>
  command(async (args, io) => {
    const isPiped = textOption(args, 'out') === '-';
    if (isPiped && stdout.isTTY) throw new Misuse('-o - writes the archive to stdout, which is the terminal.', PIPE);
    const said = isPiped ? io.err : io.out;
    const screen = screenOf(said, io.env);
    const progress = new Progress(said, screen);
    const settings = settingsIn(resolve(configPath(textOption(args, 'config'), io.env)));
    const now = io.now();
    const name = `newleaf-support-${nameOf(textOf(settings, 'dps.registration_id'))}-${stamp(now)}`;
    const path = resolve(textOption(args, 'out') ?? join(tmpdir(), `${name}.tar.gz`));
    progress.doing('collecting everything, which takes longer if a server does not answer');
    const files = await collect({ settings, env: io.env, now, itself }).finally(() => progress.end());
    const contents = { name: 'contents.txt', content: Buffer.from(contentsInWords(files)) };
    const packed = archive(name, [contents, ...files], now);
    if (isPiped) await new Promise((done) => stdout.write(packed, done));
    else await keep(path, packed, io.env);
    const isInside = !isPiped && isContained(io.env);
    said.write(written(isPiped ? `${name}.tar.gz` : path, files, screen, isInside));
    return EXIT.done;
  });

const PIPE = { advice: '`newleaf support-bundle -o - >FILE`' };
/** docker-cp(1) does not reach what is mounted in memory. */
const OUTSIDE = 'The container has it, and ends with it. To have it outside: `newleaf support-bundle -o - >FILE`';

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
function written(path: string, files: readonly Collected[], screen: Screen, isInside: boolean): string {
  const rows = files.map(({ name, about, trouble }) => {
    const words = trouble === undefined ? about : `${about}: ${trouble}`;
    return wrap(screen, words, { first: `  ${name.padEnd(20)}`, rest: ' '.repeat(22) }).join('\n');
  });
  const last = [
    'PIN, passwords and keys are not in it, and private settings were taken out. Look into it all the same: it names this gateway, its hub and its network.',
    'Send it to the support of your gateways.',
    ...(isInside ? [OUTSIDE] : []),
  ];
  return `${[path, '', ...rows, '', ...last.flatMap((one) => wrap(screen, one))].join('\n')}\n`;
}
