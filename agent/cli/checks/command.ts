import { configPath, type LoadedConfig, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import type { Looking, Passage } from '../../machine/as-daemon.ts';
import { version } from '../../machine/build.ts';
import { command, type Io, type Run, textOption } from '../kit/command.ts';
import { nearest } from '../kit/nearest.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { type Screen, screenOf, wrap } from '../kit/screen.ts';
import { once } from '../proof/once.ts';
import type { Site } from '../proof/site.ts';
import { siteHere } from '../proof/site-here.ts';
import { examine, type Result, select } from './examine.ts';
import { CHECKS, checksFor } from './list.ts';
import { closing, folded, row } from './page.ts';
import { unseenIn } from './skips.ts';

/** `newleaf check` @param passage to go on as the daemon */
export const check = (passage: Passage): Run =>
  command(async (args, io) => {
    const file = configPath(textOption(args, 'config'), io.env);
    const config = once(async () => loadConfig(file, passage.handed?.toml));
    const looking = await lookingAt(config, passage);
    const site = siteHere({ config, file, env: io.env, now: io.now(), looking });
    try {
      return await checkSite(site, args, io);
    } finally {
      site.close();
    }
  });

/** Called by root, it looks as the daemon's user. A check reports a configuration that is wrong. */
async function lookingAt(config: () => Promise<LoadedConfig>, passage: Passage): Promise<Looking> {
  const loaded = await config().catch(() => undefined);
  if (loaded === undefined) return {};
  const { lookAsDaemon } = await import('../../machine/as-daemon.ts');
  return lookAsDaemon(loaded.file, loaded.config, passage);
}

export async function checkSite(site: Site, { positionals, options }: ParsedArguments, io: Io): Promise<number> {
  const ids = CHECKS.map(({ id }) => id);
  const unknown = positionals.find((name) => !ids.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, ids);
    const guess = meant === undefined ? `The checks are ${ids.join(', ')}.` : `Did you mean "${meant}"?`;
    const words = `There is no check ${JSON.stringify(unknown)}. ${guess}`;
    io.err.write(`${wrap(screenOf(io.err, io.env), words).join('\n')}\n`);
    return EXIT.usage;
  }
  const screen = screenFor(io);
  // A person who names no check is told of the skipped ones in short.
  const isFolded = io.out.isTTY === true && positionals.length === 0;
  const results: Result[] = [];
  let written = '';
  const write = (text: string) => {
    written += text;
    io.out.write(text);
  };
  const loaded = await site.config().catch(() => undefined);
  // A check that was named, but means nothing here, is told why.
  const checks = positionals.length > 0 ? CHECKS : checksFor(loaded?.config);
  for await (const result of examine(select(checks, positionals), site)) {
    if (options.json !== true) {
      if (isOfNoSubject(result, results)) continue;
      if (!isFolded || result.outcome !== 'skipped') write(row(result, screen));
    }
    results.push(result);
  }
  const counts = { ok: 0, warning: 0, skipped: 0, failed: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  if (options.json === true) {
    const at = new Date(site.now).toISOString();
    io.out.write(
      `${JSON.stringify({ schema: 1, version, at, counts, checks: results.map(({ change: _, byPerson: __, ...result }) => result) })}\n`,
    );
  } else {
    if (isFolded) write(folded(results, screen));
    io.out.write(closing(results, counts, screen, written, io.out));
  }
  if (results.some(({ id, outcome }) => id === 'configuration' && outcome === 'failed')) return EXIT.usage;
  if (counts.failed > 0) return EXIT.failed;
  return unseenIn(results) > 0 ? EXIT.person : EXIT.done;
}

/** A gateway without the subject is told so once. @param before the results so far */
function isOfNoSubject({ id }: Result, before: readonly Result[]): boolean {
  const { under } = CHECKS.find((one) => one.id === id) ?? {};
  return under !== undefined && before.find((one) => one.id === under)?.outcome === 'skipped';
}

/** Output into a file or through `grep` has one line for each check, and one for its advice; but for a width that is asked for. */
function screenFor({ out, env }: Io): Screen {
  const screen = screenOf(out, env);
  return out.isTTY || env.COLUMNS ? screen : { ...screen, width: Number.POSITIVE_INFINITY };
}
