import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AZURE } from './mutations/azure.ts';
import { BESIDE } from './mutations/beside.ts';
import { EDGES } from './mutations/edges.ts';
import { type Mutation, pathIn } from './mutations/mutation.ts';
import { ONBOARDING } from './mutations/onboarding.ts';
import { QUEUE } from './mutations/queue.ts';
import { RULES } from './mutations/rules.ts';
import { type Outcome, outcomeOf } from './mutations/run.ts';
import { TRANSITIONS } from './mutations/transitions.ts';
import { UPLINK } from './mutations/uplink.ts';

/**
 * Breaks machine, uplink and what is around them on purpose, one way at a time, and expects the walk or a table to notice: a test that no breakage
 * fails proves nothing. Prints which test noticed each, and ends with 1 where one passed unnoticed.
 */
const root = join(import.meta.dirname, '..');
/** Inside of the repository, so that packages are found. */
const workshop = join(root, '.cache', 'mutants');
const TESTS = join('test', 'unit', 'roll');
/** What the other tests need. */
const PARTS = ['uplink', 'ahead.ts', 'clock.ts', 'daemon', 'state', 'keys', 'network/beside.test.ts']
  .concat('issuer/azure', 'certificate')
  .map((part) => join('test', 'unit', part))
  .concat(join('test', 'search', 'dice.ts'), join('test', 'simulator', 'reflect.ts'));

/** Without an argument all of them; with one, those whose file or loss contains it. */
const [only = ''] = process.argv.slice(2);

/** The nearest pairs of the walk: a broken law is found by a short story. */
const PAIRS = 10_000;
const DEADLINE_MS = 240_000;
const TABLES = [
  'advance',
  'backoff',
  'beside',
  'by-ca',
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
const UPLINK_TABLES = [
  'fair',
  'forward',
  'inbox',
  'kept-patch',
  'messages',
  'methods',
  'order',
  'programs',
  'refusals',
  'rejected',
  'serving',
  'stands',
  'suspects',
  'times',
  'topics',
  'twin',
  'uplink',
];
const WIRE_TABLES = ['admission', 'connect', 'publish', 'session'];
const EDGE_TABLES = [
  'daemon/lane',
  'daemon/full-disk',
  'network/beside',
  'state/durable',
  'state/entry',
  'keys/trusted',
];
const AZURE_TABLES = ['answers', 'azure', 'renewal']
  .map((table) => `issuer/azure/${table}`)
  .concat('keys/onboarding', 'keys/onboarding-file');
const QUEUE_TABLES = ['record', 'queue', 'reading', 'torn', 'bad-sector', 'damaged', 'bounds'];
const PROOFS = {
  walk: `import { walk } from './walk.ts';
walk({ enrollment: 'group', most: ${PAIRS} });
walk({ enrollment: 'individual', most: ${PAIRS} });
walk({ enrollment: 'individual', isFated: true, most: ${PAIRS} });
`,
  tables: TABLES.map((name) => `import './${name}.test.ts';\n`).join(''),
  edges: EDGE_TABLES.map((name) => `import '../${name}.test.ts';\n`).join(''),
  azure: AZURE_TABLES.map((name) => `import '../${name}.test.ts';\n`).join(''),
  uplink: UPLINK_TABLES.map((name) => `import '../uplink/${name}.test.ts';\n`).join(''),
  wire: WIRE_TABLES.map((name) => `import '../uplink/wire/${name}.test.ts';\n`).join(''),
  queue: QUEUE_TABLES.map((name) => `import '../uplink/queue/${name}.test.ts';\n`).join(''),
  faults: `import '../uplink/queue/faults.test.ts';\n`,
} as const;
type Proof = keyof typeof PROOFS;

/** What takes ten times as long comes last. */
function proofsOf({ file }: Mutation): readonly Proof[] {
  if (file.startsWith('uplink/queue/')) return ['queue', 'faults'];
  if (file.startsWith('uplink/wire/')) return ['wire'];
  if (file.startsWith('uplink/')) return ['uplink'];
  if (/^(issuer\/azure|keys\/onboarding)/.test(file)) return ['azure'];
  return file.includes('/') ? ['edges'] : ['tables', 'walk'];
}

/** A copy of machine and tests: edits during the run do not disturb it. */
async function copyWhole(): Promise<string> {
  const whole = join(workshop, 'whole');
  // The tables also check that the journal accepts what the machine writes.
  for (const part of ['agent', 'hsm', TESTS, ...PARTS])
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

/** Of a proof, in a copy. @throws Error where the copy cannot be loaded */
const judged = (place: string, proof: Proof): Promise<Outcome> =>
  outcomeOf(join(place, TESTS, `${proof}.entry.ts`), DEADLINE_MS);

interface Verdict {
  readonly mutation: Mutation;
  /** The tests that noticed it. */
  readonly by: Proof | undefined;
  /** Tests that did not end in their time, and so say nothing. */
  readonly late: readonly Proof[];
}

async function judge(mutation: Mutation, whole: string, place: string): Promise<Verdict> {
  // Tests and machine are copied together, so that the tests of the copy import the machine of the copy.
  await cp(whole, place, { recursive: true });
  await damage(place, mutation);
  let by: Proof | undefined;
  const late: Proof[] = [];
  for (const proof of proofsOf(mutation)) {
    if (by !== undefined) break;
    const { is } = await judged(place, proof);
    if (is === 'failed') by = proof;
    if (is === 'late') late.push(proof);
  }
  await rm(place, { recursive: true });
  return { mutation, by, late };
}

function line({ mutation, by, late }: Verdict): string {
  const { file, loss, equivalent } = mutation;
  const unnoticed = equivalent === undefined ? 'NOT NOTICED' : `not noticed: ${equivalent}`;
  const fate = by ?? (late.length > 0 ? `NO ANSWER of ${late.join(', ')}` : unnoticed);
  return `${file.padEnd(24)} ${loss.padEnd(76)} ${fate}`;
}

/** Two at a time: each is busy with one core. */
async function judgeAll(mutations: readonly Mutation[]): Promise<readonly Verdict[]> {
  const whole = await copyWhole();
  for (const proof of new Set(mutations.flatMap(proofsOf))) {
    const outcome = await judged(whole, proof);
    if (outcome.is === 'late')
      throw new Error(`On the machine as it is, "${proof}" does not end in ${DEADLINE_MS} ms.`);
    if (outcome.is === 'failed') throw new Error(`The ${proof} fail on the machine as it is:\n${outcome.said}`);
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
  const told = verdicts.map(({ mutation, by, late }) => ({ ...mutation, caught: by !== undefined, late }));
  const open = told.filter(({ caught, late }) => !caught && late.length > 0);
  const survived = told.filter(({ caught, late }) => !caught && late.length === 0);
  console.log(
    `\n${verdicts.length} breakages: ${noticed('tables')} noticed by the tables, ${noticed('walk')} more by the walk,`,
  );
  console.log(
    `${noticed('uplink') + noticed('wire')} noticed by the tests of the uplink, ${noticed('queue')} by those of its queue,`,
  );
  console.log(
    `${noticed('faults')} more by a disk that fails, ${noticed('edges')} by the tests of what is around the machine,`,
  );
  console.log(`${noticed('azure')} by those of the leaves that Azure issues,`);
  console.log(`${survived.length} not noticed, ${open.length} without an answer.`);
  const unexplained = survived.filter(({ equivalent }) => equivalent === undefined);
  const wronglyExplained = told.filter(({ equivalent, caught }) => equivalent !== undefined && caught);
  for (const { loss } of unexplained) console.error(`No test notices "${loss}": write it.`);
  for (const { loss } of wronglyExplained) console.error(`"${loss}" is called equivalent, and was noticed.`);
  for (const { loss } of open) console.error(`No answer about "${loss}" in time: run it alone, on a quiet machine.`);
  return unexplained.length + wronglyExplained.length + open.length > 0 ? 1 : 0;
}

await rm(workshop, { recursive: true, force: true });
try {
  const chosen = [...TRANSITIONS, ...RULES, ...BESIDE, ...EDGES, ...AZURE, ...ONBOARDING, ...UPLINK, ...QUEUE].filter(
    ({ file, loss }) => `${file} ${loss}`.includes(only),
  );
  process.exitCode = conclude(await judgeAll(chosen));
} finally {
  await rm(workshop, { recursive: true, force: true });
}
