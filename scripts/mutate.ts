import { execFile } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BESIDE } from './mutations/beside.ts';
import { type Mutation, pathIn } from './mutations/mutation.ts';
import { QUEUE } from './mutations/queue.ts';
import { RULES } from './mutations/rules.ts';
import { TRANSITIONS } from './mutations/transitions.ts';
import { UPLINK } from './mutations/uplink.ts';

/**
 * Breaks machine and uplink on purpose, one way at a time, and expects the walk or a table to notice: a test that no breakage
 * fails proves nothing. Prints which test noticed each, and ends with 1 where one passed unnoticed.
 */
const root = join(import.meta.dirname, '..');
/** Inside of the repository, so that packages are found. */
const workshop = join(root, '.cache', 'mutants');
const TESTS = join('test', 'unit', 'roll');
/** What the tests of the uplink need. */
const UPLINK_PARTS = ['unit/uplink', 'unit/clock.ts', 'unit/state/disk.ts', 'search/dice.ts'].map((part) =>
  join('test', part),
);

/** Without an argument all of them; with one, those whose file or loss contains it. */
const [only = ''] = process.argv.slice(2);

/** The nearest pairs of the walk: a broken law is found by a short story. */
const PAIRS = 10_000;
const DEADLINE_MS = 240_000;
/** The breakage does not even load: its failures prove nothing. */
const UNREADABLE = /SyntaxError|TransformError|ReferenceError|ERR_MODULE_NOT_FOUND/;

const TABLES = [
  'advance',
  'backoff',
  'beside',
  'candidate',
  'cure',
  'decide',
  'delivered',
  'endless',
  'intended',
  'laws',
  'limits',
  'lost-key',
  'parked',
  'phase',
  'plan',
  'poison',
  'report',
  'step',
  'stranded-csr',
  'troubles',
  'unreached',
  'ways-back',
];
const UPLINK_TABLES = ['forward', 'messages', 'methods', 'refusals', 'topics', 'twin', 'uplink'];
const QUEUE_TABLES = ['record', 'queue', 'reading', 'torn', 'bounds'];
const PROOFS = {
  walk: `import { walk } from './walk.ts';
walk({ enrollment: 'group', most: ${PAIRS} });
walk({ enrollment: 'individual', most: ${PAIRS} });
walk({ enrollment: 'individual', isFated: true, most: ${PAIRS} });
`,
  tables: TABLES.map((name) => `import './${name}.test.ts';\n`).join(''),
  uplink: UPLINK_TABLES.map((name) => `import '../uplink/${name}.test.ts';\n`).join(''),
  queue: QUEUE_TABLES.map((name) => `import '../uplink/queue/${name}.test.ts';\n`).join(''),
  faults: `import '../uplink/queue/faults.test.ts';\n`,
} as const;
type Proof = keyof typeof PROOFS;

/** What takes ten times as long comes last. */
function proofsOf({ file }: Mutation): readonly Proof[] {
  if (file.startsWith('uplink/queue/')) return ['queue', 'faults'];
  return file.startsWith('uplink/') ? ['uplink'] : ['tables', 'walk'];
}

/** A copy of machine and tests: edits during the run do not disturb it. */
async function copyWhole(): Promise<string> {
  const whole = join(workshop, 'whole');
  // The tables also check that the journal accepts what the machine writes.
  for (const part of ['agent', TESTS, ...UPLINK_PARTS])
    await cp(join(root, part), join(whole, part), { recursive: true });
  for (const [proof, text] of Object.entries(PROOFS)) await writeFile(join(whole, TESTS, `${proof}.entry.ts`), text);
  return whole;
}

async function damage(place: string, mutation: Mutation): Promise<void> {
  const { file, find, replace } = mutation;
  const path = pathIn(join(place, 'agent'), mutation);
  const text = await readFile(path, 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1)
    throw new Error(`scripts/mutations: ${file} has this ${times} times, and must have it once:\n${find}`);
  await writeFile(
    path,
    text.replace(find, () => replace),
  );
}

/**
 * The complaint of the tests of a copy, or undefined where they pass. They run in a process of their own with
 * a deadline: a broken machine may never stop.
 * @throws Error where the copy cannot be loaded
 */
async function complaint(place: string, proof: Proof): Promise<string | undefined> {
  const options = { timeout: DEADLINE_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const;
  try {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', join(place, TESTS, `${proof}.entry.ts`)], options);
    return undefined;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const said = stdout + stderr;
    if (UNREADABLE.test(said)) throw new Error(`The ${proof} of ${place} cannot run:\n${said.slice(-4000)}`);
    return said;
  }
}

/** The failures in a report of node:test, or its end where there is none: the walk throws. */
function failures(report: string): string {
  const failed = report.split('\n').filter((text) => /^\s*(not ok|error:|[+-] )/.test(text));
  return failed.length > 0 ? failed.join('\n') : report.slice(-4000);
}

interface Verdict {
  readonly mutation: Mutation;
  /** The tests that noticed it. */
  readonly by: Proof | undefined;
}

async function judge(mutation: Mutation, whole: string, place: string): Promise<Verdict> {
  // Tests and machine are copied together, so that the tests of the copy import the machine of the copy.
  await cp(whole, place, { recursive: true });
  await damage(place, mutation);
  let by: Proof | undefined;
  for (const proof of proofsOf(mutation))
    if (by === undefined && (await complaint(place, proof)) !== undefined) by = proof;
  await rm(place, { recursive: true });
  return { mutation, by };
}

function line({ mutation, by }: Verdict): string {
  const { file, loss, equivalent } = mutation;
  const fate = by !== undefined ? by : equivalent === undefined ? 'NOT NOTICED' : `not noticed: ${equivalent}`;
  return `${file.padEnd(24)} ${loss.padEnd(76)} ${fate}`;
}

/** Two at a time: each is busy with one core. */
async function judgeAll(mutations: readonly Mutation[]): Promise<readonly Verdict[]> {
  const whole = await copyWhole();
  for (const proof of new Set(mutations.flatMap(proofsOf))) {
    const said = await complaint(whole, proof);
    if (said !== undefined) throw new Error(`The ${proof} fail on the machine as it is:\n${failures(said)}`);
  }
  const open = mutations.entries();
  const verdicts: Verdict[] = [];
  const work = async () => {
    for (const [number, mutation] of open) {
      const verdict = await judge(mutation, whole, join(workshop, String(number)));
      verdicts.push(verdict);
      console.log(line(verdict));
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  return verdicts;
}

/** Prints the summary and the faults. @returns the exit code */
function conclude(verdicts: readonly Verdict[]): number {
  const noticed = (proof: Proof) => verdicts.filter(({ by }) => by === proof).length;
  const told = verdicts.map(({ mutation, by }) => ({ ...mutation, caught: by !== undefined }));
  const survived = told.filter(({ caught }) => !caught);
  console.log(
    `\n${verdicts.length} breakages: ${noticed('tables')} noticed by the tables, ${noticed('walk')} more by the walk,`,
  );
  console.log(`${noticed('uplink')} noticed by the tests of the uplink, ${noticed('queue')} by those of its queue,`);
  console.log(`${noticed('faults')} more by a disk that fails,`);
  console.log(`${survived.length} not noticed.`);
  const unexplained = survived.filter(({ equivalent }) => equivalent === undefined);
  const wronglyExplained = told.filter(({ equivalent, caught }) => equivalent !== undefined && caught);
  for (const { loss } of unexplained) console.error(`No test notices "${loss}": write it.`);
  for (const { loss } of wronglyExplained) console.error(`"${loss}" is called equivalent, and was noticed.`);
  return unexplained.length + wronglyExplained.length > 0 ? 1 : 0;
}

await rm(workshop, { recursive: true, force: true });
try {
  const chosen = [...TRANSITIONS, ...RULES, ...BESIDE, ...UPLINK, ...QUEUE].filter(({ file, loss }) =>
    `${file} ${loss}`.includes(only),
  );
  process.exitCode = conclude(await judgeAll(chosen));
} finally {
  await rm(workshop, { recursive: true, force: true });
}
