import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { agreed } from './agreed.ts';
import { azOf, newleafOf } from './cloud/about.ts';
import { Az, type AzFailed } from './cloud/az.ts';
import { Day, type Findings, TOTALS } from './cloud/day.ts';
import { Ground } from './cloud/ground.ts';
import { hearing } from './cloud/interruption.ts';
import { Mask } from './cloud/mask.ts';
import { costOf, writeReport } from './cloud/report.ts';
import { countsOf, type Run } from './cloud/report-head.ts';
import { Resources, type Services } from './cloud/resources.ts';
import { Screen, wordsOf } from './cloud/screen.ts';
import { readTape } from './cloud/tape.ts';
import { Misuse, type Told, told, USAGE } from './cloud/told.ts';

const NOTHING_BEGUN = 2;
const INTERRUPTED = 130;
/** How long processes of this machine may take to end. */
const CLEARED_MS = 30_000;
const TAP = join(import.meta.dirname, 'cloud', 'tap.cjs');

const mask = new Mask();
const screen = new Screen(mask);
const stop = new AbortController();
const az = new Az(mask);
const resources = new Resources(az, mask, screen, stop.signal);
/** From here on there may be something in Azure. */
let isBegun = false;

/** Name and ID of the subscription, for the person to see. @throws Misuse where `az` has no login */
async function subscription(): Promise<string> {
  const account = await az.ask('account show').catch((error: AzFailed) => {
    throw new Misuse(
      `${error.message}\nInstall the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli), and \`az login\`.`,
    );
  });
  const { name, id } = v.parse(v.object({ name: v.string(), id: v.string() }), account);
  // The errors of `az` have it.
  mask.hide(id);
  return `"${name}" (${id})`;
}

async function consent({ location, parts, report, yes }: Told): Promise<'yes' | 'no' | 'interrupted'> {
  console.log(`
Subscription ${await subscription()}, ${location}: a resource group ${resources.name} is made,
with a DPS and a hub of the free tier in it, and deleted at the end, also after Ctrl-C.
If this machine dies meanwhile: ${resources.deletion}
Played: ${parts.join(', ')}. The report goes to ${report}.`);
  return yes ? 'yes' : agreed();
}

/** Fulfilled at the first Ctrl-C. At the second one the program ends, and says what is left. */
const interrupted = new Promise<'interrupted'>((heard) => {
  const what = hearing(() => performance.now());
  const hear = (): void => {
    const signal = what();
    if (signal === 'echo') return;
    if (signal === 'first') {
      if (isBegun) screen.say('Interrupted. What was made is deleted; once more ends this at once.');
      heard('interrupted');
      return;
    }
    console.log(`Left, if it is there: ${resources.name}. To delete it: ${resources.deletion}`);
    process.exit(INTERRUPTED);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear);
});

/** A fault of the kit itself must not leave anything in Azure. */
const broken = new Promise<never>((_, reject) => process.on('uncaughtException', reject));

/** What there is so far, also after an interruption. */
interface Kept {
  services?: Services;
  ground?: Ground;
  found?: Findings;
}

/** Makes all, and plays. */
async function play(options: Told, keep: Kept): Promise<void> {
  const services = await resources.make(options.location);
  keep.services = services;
  const ground = await screen.during('A CA on this machine, verified in DPS', '', async () => {
    keep.ground = await Ground.open(services, (file) => resources.verify(file));
    await keep.ground.verify(await keep.ground.pem('root'));
    return keep.ground;
  });
  const day = new Day(ground, az, { hub: resources.name, watchMs: options.watchMs, screen, stop: stop.signal });
  keep.found = day.found;
  await day.begin();
  for (const part of options.parts) await day.play(part);
}

/**
 * One directory for all temporary files, which goes with the program, however it ends: in it are signatures, and what a Ctrl-C has
 * left half made.
 * @returns the directory for what is tapped
 */
function openTap(): string {
  const home = mkdtempSync(join(tmpdir(), 'newleaf-field-'));
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  process.env.TMPDIR = home;
  const tap = join(home, 'tap');
  mkdirSync(tap);
  process.env.NEWLEAF_FIELD_TAP = tap;
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --require ${JSON.stringify(TAP)}`.trim();
  return tap;
}

function report(directory: string, { services, ground, found }: Kept, tap: string, run: Run, left: string): void {
  const { rows = [], asked = [], lags = [] } = found ?? {};
  const ca = ground && new URL(ground.endpoints.est).host;
  const tape = readTape(tap, (to) => to !== ca);
  const dps = services ? [services.dps, services.dpsHost] : [];
  const isDps = (to: string): boolean => dps.some((host) => to === host || to.startsWith(`${host}:`));
  writeReport(directory, { run, rows, asked, lags, tape, left }, costOf(tape, isDps), mask);
  screen.say(
    `${countsOf(run, { rows, asked })}. Report: ${directory}. Read it, and attach it to an issue of the repository.`,
  );
}

/** The directory of the report, where an earlier one gives way. */
function openReport(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['wire.jsonl', 'switches.patch']) rmSync(join(directory, name), { force: true });
  const warning = `It has not come to its end. If ${resources.name} is left: ${resources.deletion}\n`;
  writeFileSync(join(directory, 'report.md'), warning);
}

/** Plays, deletes, and reports. @returns the exit code */
async function run(options: Told): Promise<number> {
  const from = Date.now();
  const tap = openTap();
  openReport(options.report);
  isBegun = true;
  const keep: Kept = {};
  let why: string | undefined;
  const playing = play(options, keep).then(() => 'played' as const);
  const end = await Promise.race([playing, interrupted, broken]).catch((error: unknown) => {
    why = wordsOf(error);
    screen.say(`It stopped: ${why}`);
    return 'failed' as const;
  });
  const during = screen.doing;
  stop.abort();
  // What is begun now ends of itself, or with the ground.
  const settled = playing.catch(() => undefined);
  if (keep.ground === undefined) await settled;
  // Beside the deletion, which nothing may hold up.
  const cleared = keep.ground
    ?.clear()
    .catch((error: unknown) => screen.say(`On this machine something is left: ${error}`));
  const isGone = await screen.during(
    'Deleting what was made',
    'some minutes',
    () => resources.remove(),
    (gone, took) => (gone ? `done, ${took}` : `not done, ${took}`),
  );
  await Promise.race([cleared, pause(CLEARED_MS)]);
  const left = isGone ? 'Nothing is left in Azure.' : `Left: ${resources.name}. To delete it: ${resources.deletion}`;
  const { location, parts, watchMs } = options;
  const versions = { newleaf: newleafOf(), az: await azOf(az) };
  const tookMs = Date.now() - from;
  const ran = { location, parts, watchMs, totals: TOTALS, from, tookMs, ...versions, end, during, ...(why && { why }) };
  report(options.report, keep, tap, ran, left);
  screen.say(left);
  if (end === 'interrupted') return INTERRUPTED;
  return end === 'played' && isGone && keep.found?.rows.every(({ failed }) => failed === undefined) ? 0 : 1;
}

async function main(): Promise<number> {
  const options = told(process.argv.slice(2));
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  const answer = await Promise.race([consent(options), interrupted]);
  if (answer !== 'yes') {
    console.log('\nNothing was begun.');
    return answer === 'no' ? NOTHING_BEGUN : INTERRUPTED;
  }
  return run(options);
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(mask.over(wordsOf(error)));
    return isBegun ? 1 : NOTHING_BEGUN;
  }),
);
