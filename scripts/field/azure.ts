import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { agreed } from './agreed.ts';
import { Az, AzFailed } from './cloud/az.ts';
import { Day, type Findings, PARTS, type Part } from './cloud/day.ts';
import { Ground } from './cloud/ground.ts';
import { Mask } from './cloud/mask.ts';
import { costOf, type Found, writeReport } from './cloud/report.ts';
import { Resources, type Services } from './cloud/resources.ts';
import { readTape } from './cloud/tape.ts';

const MISUSE = 2;
const INTERRUPTED = 130;
const SECOND = 1_000;
/** How long processes of this machine may take to end. */
const CLEARED_MS = 30 * SECOND;
const TAP = join(import.meta.dirname, 'cloud', 'tap.cjs');

class Misuse extends Error {}

interface Told {
  readonly location: string;
  readonly parts: readonly Part[];
  readonly report: string;
  readonly watchMs: number;
  readonly yes: boolean;
}

/** @throws Misuse: one sentence */
function told(): Told {
  const text = { type: 'string' } as const;
  const options = { location: text, report: text, watch: text, yes: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { location, report = 'newleaf-azure-report', watch = '300', yes } = values;
  if (location === undefined)
    throw new Misuse('It needs --location REGION, as `az account list-locations --query [].name` names them.');
  const wrong = positionals.find((word) => !PARTS.some((part) => part === word));
  if (wrong !== undefined) throw new Misuse(`It plays ${PARTS.join(', ')}, and no "${wrong}".`);
  if (!/^\d+$/.test(watch)) throw new Misuse(`--watch is a number of seconds, and not "${watch}".`);
  const parts = PARTS.filter((part) => positionals.length === 0 || positionals.includes(part));
  return { location, parts, report: resolve(report), watchMs: Number(watch) * SECOND, yes };
}

const say = (words: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${mask.over(words)}`);
const mask = new Mask();
const stop = new AbortController();
const az = new Az(mask);
const resources = new Resources(az, mask, say, stop.signal);

/** The name of the subscription, for the person to see. @throws Misuse where `az` has no login */
async function subscription(): Promise<string> {
  const account = await az.ask('account show').catch((error: AzFailed) => {
    throw new Misuse(
      `${error.message}\nInstall the Azure CLI (https://learn.microsoft.com/cli/azure/install-azure-cli), and \`az login\`.`,
    );
  });
  return v.parse(v.object({ name: v.string() }), account).name;
}

async function consent({ location, parts, report, yes }: Told): Promise<boolean> {
  console.log(`
Subscription "${await subscription()}", ${location}: a resource group ${resources.name} is made,
with a DPS and a hub of the free tier in it, and deleted at the end, also after Ctrl-C.
If this machine dies meanwhile: ${resources.deletion}
Played: ${parts.join(', ')}. The report goes to ${report}.`);
  return yes || agreed();
}

/** Fulfilled at the first Ctrl-C. At the second one the program ends, and says what is left. */
const interrupted = new Promise<'interrupted'>((heard) => {
  let times = 0;
  const hear = (): void => {
    times += 1;
    if (times === 1) {
      say('Interrupted. What was made is deleted; once more ends this at once.');
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
  say('A CA, tokens and gateways on this machine');
  const ground = await Ground.open(services, (file) => resources.verify(file));
  keep.ground = ground;
  await ground.verify(await ground.pem('root'));
  const day = new Day(ground, az, { hub: resources.name, watchMs: options.watchMs, say, stop: stop.signal });
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

function report(
  directory: string,
  { services, ground, found }: Kept,
  tap: string,
  end: Pick<Found, 'left' | 'seconds'>,
): void {
  if (services === undefined || ground === undefined || found === undefined) return;
  const ca = new URL(ground.endpoints.est).host;
  const tape = readTape(tap, (to) => to !== ca);
  const dps = [services.dps, services.dpsHost];
  const isDps = (to: string): boolean => dps.some((host) => to === host || to.startsWith(`${host}:`));
  writeReport(directory, { ...found, ...end, tape }, costOf(tape, isDps), mask);
  say(`Report: ${directory}. Read it, and attach it to an issue of the repository.`);
}

async function main(): Promise<number> {
  const options = told();
  if (!(await consent(options))) return 1;
  const from = Date.now();
  const tap = openTap();
  mkdirSync(options.report, { recursive: true });
  const warning = `It has not come to its end. If ${resources.name} is left: ${resources.deletion}\n`;
  writeFileSync(join(options.report, 'report.md'), warning);

  const keep: Kept = {};
  const playing = play(options, keep).then(() => 'played' as const);
  const end = await Promise.race([playing, interrupted, broken]).catch((error: unknown) => {
    say(`It stopped: ${error instanceof Error ? error.message : error}`);
    return 'failed' as const;
  });
  stop.abort();
  // What is begun now ends of itself, or with the ground.
  const settled = playing.catch(() => undefined);
  if (keep.ground === undefined) await settled;
  // Beside the deletion, which nothing may hold up.
  const cleared = keep.ground?.clear().catch((error: unknown) => say(`On this machine something is left: ${error}`));
  say('Deleting what was made: some minutes');
  const isGone = await resources.remove();
  await Promise.race([cleared, pause(CLEARED_MS)]);
  const left = isGone ? 'Nothing is left in Azure.' : `Left: ${resources.name}. To delete it: ${resources.deletion}`;
  writeFileSync(join(options.report, 'report.md'), `It stopped before anything was played. ${left}\n`);
  report(options.report, keep, tap, { left, seconds: (Date.now() - from) / SECOND });
  say(left);
  if (end === 'interrupted') return INTERRUPTED;
  return end === 'played' && isGone && keep.found?.rows.every(({ failed }) => failed === undefined) ? 0 : 1;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(mask.over(error instanceof Error ? error.message : String(error)));
    return error instanceof Misuse || error instanceof AzFailed ? MISUSE : 1;
  }),
);
