import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { diceOf } from '../test/search/dice.ts';
import { breakagesOf, type Place } from './mutations/operators.ts';
import { Reach } from './mutations/reach.ts';
import type { Ended } from './mutations/report.ts';
import { ROWS } from './mutations/rows.ts';
import { changed, placesOf, Sources } from './mutations/sources.ts';
import { type Clean, type Groups, Workshop } from './mutations/workshop.ts';

const USAGE = `Breaks newleaf on purpose, one way at a time, and tells what no test notices: a test that no breakage fails proves nothing.
  npx tsx scripts/mutate.ts             breakages of agent/ and hsm/, drawn at random
    --seed N          the same ones again
    --budget SECONDS  how long; 1200
    --only PART       of the files whose path has this in it
    --workers N       how many at a time; 2
    --list            names the breakages, and judges none
  npx tsx scripts/mutate.ts --rows      those of scripts/mutations/rows.ts, each of which a test must notice
NEWLEAF_NODE_24 names a Node that runs the tests; from version 24 on they are several times as fast.`;

const ROOT = join(import.meta.dirname, '..');
/** Tests that judge one breakage: the nearest. Of them, those that come first, in a process of their own. */
const [MOST, FIRST] = [12, 3];
/** The folder of the machine is proven by all of its tables, and by the walk. */
const MACHINE = 'agent/roll/';
const MOST_TABLES = 30;
/** The nearest pairs of the walk: a broken law is found by a short story. */
const WALKS = [
  "{ enrollment: 'group' }",
  "{ enrollment: 'individual' }",
  "{ enrollment: 'individual', isFated: true }",
];
const walkFile = (number: number) => `test/unit/roll/walk-${number}.test.ts`;
const walkText = (walk: string) => `import { test } from 'node:test';
import { walk } from './walk.ts';
test('the walk', () => walk({ ...${walk}, most: 10_000 }));
`;
/** Tests that share no process with others, as scripts/test has it; a process opens one token. */
const ALONE = /^[^ ].*\bawait |\/quiet\.ts/m;
const OF_TOKEN = 'test/contract/token/';
/** Help, and the words of failures. */
const WORDS = /^agent\/(cli\/table|failure\/codes\/)/;

interface Breakage {
  readonly file: string;
  readonly place: Pick<Place, 'start' | 'end' | 'text'>;
  /** What a reader is told. */
  readonly said: string;
}

/** The words that a list of places and a report have for it. */
const breakageOf = (file: string, place: Place): Breakage => {
  const { line, name, operator, before, after } = place;
  return { file, place, said: `${file}:${line} ${name}: ${operator}\n    ${before}\n  → ${after}` };
};

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    budget: { type: 'string', default: '1200' },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    list: { type: 'boolean', default: false },
    rows: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));

/** Breakages by the dice: each file is as likely as any other, so that large ones do not win. What the compiler refuses is left out. */
function* drawn(sources: Sources, files: readonly string[], count: { refused: number }): Generator<Breakage> {
  const dice = diceOf(seed);
  const take = <T>(list: T[]): T | undefined => list.splice(Math.floor(dice() * list.length), 1)[0];
  const open = new Map<string, Place[]>();
  const left = [...files];
  while (left.length > 0) {
    const file = left[Math.floor(dice() * left.length)] ?? '';
    const places = open.get(file) ?? [...breakagesOf(sources.tree(file))];
    open.set(file, places);
    const place = take(places);
    if (place === undefined) left.splice(left.indexOf(file), 1);
    else if (sources.refuses(file, changed(sources.tree(file).getFullText(), place))) count.refused += 1;
    else yield breakageOf(file, place);
  }
}

function* byHand(sources: Sources, only: string): Generator<Breakage> {
  for (const { file, name, loss, from, to } of ROWS) {
    if (!`${file} ${loss}`.includes(only)) continue;
    const [place, other] = placesOf(sources.tree(file), name, from);
    if (place === undefined || other !== undefined) throw new Error(`${file}: ${name} must have this once:\n${from}`);
    yield { file, place: { ...place, text: to }, said: `${file} ${name}: ${loss}` };
  }
}

/** The tests that judge a breakage of a file, nearest first. */
function groupsOf(file: string, reach: Reach): Groups {
  const isMachine = file.startsWith(MACHINE);
  const tests = reach.testsOf(file);
  const ours = tests.filter((test) => test.startsWith('test/unit/roll/')).slice(0, MOST_TABLES);
  const chosen = isMachine ? ours : tests.slice(0, MOST);
  const isAlone = (test: string) => test.startsWith(OF_TOKEN) || ALONE.test(readFileSync(join(ROOT, test), 'utf8'));
  const together = chosen.filter((test) => !isAlone(test));
  return [
    together.slice(0, isMachine ? MOST_TABLES : FIRST),
    together.slice(isMachine ? MOST_TABLES : FIRST),
    ...chosen.filter(isAlone).map((test) => [test]),
    ...(isMachine ? WALKS.map((_, i) => [walkFile(i)]) : []),
  ];
}

/** agent/roll, hsm: what the sums are made for. */
const roomOf = (file: string) =>
  file
    .split('/')
    .slice(0, file.startsWith('agent/') ? 2 : 1)
    .join('/');

async function run(sources: Sources, breakages: Iterable<Breakage>, until: number, place: string): Promise<Sums> {
  const reach = new Reach(ROOT);
  const clean: Clean = new Map();
  const sums: Sums = new Map();
  // The workers share it.
  const open = breakages[Symbol.iterator]();
  const work = async (number: number) => {
    using shop = new Workshop(
      ROOT,
      join(place, String(number)),
      process.env.NEWLEAF_NODE_24 ?? process.execPath,
      clean,
    );
    for (const [i, walk] of WALKS.entries()) shop.write(walkFile(i), walkText(walk));
    while (Date.now() < until) {
      const { value, done } = open.next();
      if (done === true) return;
      const { file, place, said } = value;
      const was = sources.tree(file).getFullText();
      const is = changed(was, place);
      const groups = groupsOf(file, reach);
      const ended = await shop.judge(file, { is, was }, groups);
      const isRefused = ended.is === 'passed' && sources.refuses(file, is, 'all');
      const fate = isRefused ? 'refused' : FATES[ended.is];
      const sum = sums.get(roomOf(file)) ?? { noticed: 0, survived: 0, late: 0, refused: 0 };
      sum[fate] += 1;
      sums.set(roomOf(file), sum);
      if (fate === 'survived' || fate === 'late') console.log(`${fate.toUpperCase()} ${said}`);
      if (fate === 'survived')
        console.log(`  ${groups.flat().length} tests pass, ${groups.flat()[0] ?? 'for none reaches it'}`);
      if (values.rows && ended.is === 'failed') console.log(`noticed ${said}\n  by ${ended.test}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, (_, i) => work(i + 1)));
  for (const [test, passes] of clean)
    if (!(await passes))
      console.log(`${test} is left out: in the copy it fails, or takes too long, on newleaf as it is.`);
  return sums;
}

const FATES = { passed: 'survived', failed: 'noticed', late: 'late' } as const satisfies Record<Ended['is'], string>;
type Sums = Map<string, Record<'noticed' | 'survived' | 'late' | 'refused', number>>;

/** @returns how many no test has noticed */
function conclude(sums: Sums, refused: number, minutes: number): number {
  const all = { noticed: 0, survived: 0, late: 0, refused: 0 };
  console.log(`\n${'room'.padEnd(24)} noticed survived late`);
  const row = (room: string, sum: typeof all) =>
    console.log(
      `${room.padEnd(24)} ${String(sum.noticed).padStart(7)} ${String(sum.survived).padStart(8)} ${String(sum.late).padStart(4)}`,
    );
  for (const [room, sum] of [...sums].sort()) {
    row(room, sum);
    for (const fate of ['noticed', 'survived', 'late', 'refused'] as const) all[fate] += sum[fate];
  }
  row('all', all);
  console.log(`seed ${seed}, ${minutes.toFixed(1)} minutes; the compiler refused ${refused + all.refused} others.`);
  return all.survived + all.late;
}

if (values.help) console.log(USAGE);
else {
  const begun = Date.now();
  using sources = new Sources(ROOT);
  const files = sources.files().filter((file) => file.includes(values.only) && !WORDS.test(file));
  if (values.list) {
    for (const file of files)
      for (const place of breakagesOf(sources.tree(file))) console.log(breakageOf(file, place).said);
  } else {
    const count = { refused: 0 };
    const place = await mkdtemp(join(tmpdir(), 'nl-'));
    // Tests become other users.
    await chmod(place, 0o755);
    try {
      const breakages = values.rows ? byHand(sources, values.only) : drawn(sources, files, count);
      const until = values.rows ? Number.POSITIVE_INFINITY : begun + Number(values.budget) * 1000;
      const sums = await run(sources, breakages, until, place);
      const unnoticed = conclude(sums, count.refused, (Date.now() - begun) / 60_000);
      // What is drawn has to be judged by a person; a row has been.
      if (values.rows && unnoticed > 0) process.exitCode = 1;
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }
}
