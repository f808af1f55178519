import { version } from '../build.ts';
import { configPath } from '../config.ts';
import { EXIT } from '../exit.ts';
import { examine, type Result, select } from './checks/examine.ts';
import { CHECKS } from './checks/list.ts';
import type { Site } from './checks/site.ts';
import { siteHere } from './checks/site-here.ts';
import { command, type Io, type ParsedArguments, textOption } from './command.ts';
import { nearest } from './nearest.ts';
import { type Colour, glyph, paint, type Screen, screenOf, wrap } from './screen.ts';

/** `newleaf check` */
export const run = command(async (args, io) => {
  const site = siteHere({ file: configPath(textOption(args, 'config'), io.env), env: io.env, now: io.now() });
  return checkSite(site, args, io);
});

/** The command, on any site. */
export async function checkSite(site: Site, { positionals, options }: ParsedArguments, io: Io): Promise<number> {
  const ids = CHECKS.map(({ id }) => id);
  const unknown = positionals.find((name) => !ids.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, ids);
    const guess = meant === undefined ? `The checks are ${ids.join(', ')}.` : `Did you mean "${meant}"?`;
    io.err.write(`There is no check ${JSON.stringify(unknown)}. ${guess}\n`);
    return EXIT.usage;
  }
  const screen = screenOf(io.out, io.env);
  const results: Result[] = [];
  for await (const result of examine(select(CHECKS, positionals), site)) {
    results.push(result);
    if (options.json !== true) io.out.write(render(result, screen));
  }
  const counts = { ok: 0, warning: 0, skipped: 0, failed: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  if (options.json === true) {
    const at = new Date(site.now).toISOString();
    io.out.write(`${JSON.stringify({ schema: 1, version, at, counts, checks: results })}\n`);
  } else {
    io.out.write(
      `\n${counts.ok} ok, ${counts.warning} with a warning, ${counts.skipped} skipped, ${counts.failed} failed\n`,
    );
  }
  return counts.failed > 0 ? EXIT.failed : EXIT.done;
}

const COLOURS: Record<Result['outcome'], Colour> = { ok: 'green', warning: 'yellow', skipped: 'dim', failed: 'red' };
const ID_WIDTH = Math.max(...CHECKS.map(({ id }) => id.length));
const OUTCOME_WIDTH = 'warning'.length;
const INDENT = ' '.repeat(OUTCOME_WIDTH + ID_WIDTH + 4);

/** `failed   hub-reach      NL-… The name … cannot be resolved.`, and below it what to do. */
function render({ outcome, id, code, message, advice }: Result, screen: Screen): string {
  const found = wrap(screen, code === undefined ? message : `${code} ${message}`, { first: INDENT });
  const head = `${paint(screen, COLOURS[outcome], outcome.padEnd(OUTCOME_WIDTH))}  ${id.padEnd(ID_WIDTH)}  `;
  const arrow = `${INDENT}${glyph(screen, 'arrow')} `;
  const next = advice === undefined ? [] : wrap(screen, advice, { first: arrow, rest: ' '.repeat(arrow.length) });
  const [first = '', ...rest] = found;
  return `${[`${head}${first.slice(INDENT.length)}`, ...rest, ...next.map((line) => paint(screen, 'cyan', line))].join('\n')}\n`;
}
