import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { diceOf } from '../test/search/dice.ts';
import { breakagesOf, type Place } from './mutations/operators.ts';
import { Reach } from './mutations/reach.ts';
import type { Ended } from './mutations/report.ts';
import { rows } from './mutations/row.ts';
import { changed, placesOf, Sources } from './mutations/sources.ts';
import { type Clean, type Groups, Workshop } from './mutations/workshop.ts';

const USAGE = `Breaks newleaf on purpose, one way at a time, and tells what no test notices: a test that no breakage fails proves nothing.
  npx tsx scripts/mutate.ts             breakages of agent/ and hsm/, drawn at random
    --seed N          the same ones again
    --budget SECONDS  how long; 1200
    --only PART       of the files whose path has this in it
    --workers N       how many at a time; 2
    --list            names the breakages, and judges none
  npx tsx scripts/mutate.ts --rows      those of scripts/mutations/rows.txt, each of which a test must notice
NEWLEAF_NODE_24 names a Node 24, which takes types away by itself: with it, the tests are several times as fast.`;

const ROOT = join(import.meta.dirname, '..');
/** The nearest tests judge a breakage: so many, and more of them a row; some in a process that comes first. */
const [MOST, MOST_OF_ROW, FIRST] = [12, 24, 3];
/** The folder of the core is proven by all of its tables, by the rows of its promises, and by the walk. */
const CORE = 'agent/roll/';
const PROMISES = 'test/rows/rows.test.ts';
const MOST_TABLES = 30;
/** The nearest pairs of the walk: a broken law is found by a short story. */
const WALKS = [
  "{ enrollment: 'group' }",
  "{ enrollment: 'individual' }",
  "{ enrollment: 'individual', isFated: true }",
];
const walkFile = (number: number) => `test/walk/walk-${number}.test.ts`;
const walkText = (walk: string) => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walk } from './walk.ts';
test('the walk', () => assert.deepEqual(walk({ ...${walk}, most: 300 }).broken, []));
`;
/** Tests that share no process with others (test/stages.sh); and a process opens one token. */
const ALONE = new RegExp(readFileSync(join(ROOT, 'test', 'alone.regex'), 'utf8').trim(), 'm');
const OF_TOKEN = 'test/contract/token/';
/** Help, and the words of failures. */
const WORDS = /^agent\/(cli\/table|failure\/codes\/)/;

interface Breakage {
  readonly file: string;
  readonly was: string;
  readonly is: string;
  /** What a reader is told. */
  readonly said: string;
}

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
using sources = new Sources(ROOT);
/** Breakages that the compiler does not let pass. */
let refused = 0;

function breakageOf(file: string, place: Place): Breakage {
  const { line, name, operator, before, after } = place;
  const was = sources.tree(file).getFullText();
  const said = `${file}:${line} ${name}: ${operator}\n    ${before}\n  → ${after}`;
  return { file, was, is: changed(was, place), said };
}

/** Breakages by the dice: each file is as likely as any other, so that large ones do not win. */
function* drawn(files: readonly string[]): Generator<Breakage> {
  const dice = diceOf(seed);
  const one = <T>(list: readonly T[]) => Math.floor(dice() * list.length);
  const left = files.map((file) => ({ file, places: [...breakagesOf(sources.tree(file))] }));
  while (left.length > 0) {
    const at = one(left);
    const { file, places } = left[at] ?? { file: '', places: [] };
    const [place] = places.splice(one(places), 1);
    const breakage = place && breakageOf(file, place);
    if (breakage === undefined) left.splice(at, 1);
    else if (sources.refuses(file, breakage.is)) refused += 1;
    else yield breakage;
  }
}

function* byHand(): Generator<Breakage> {
  for (const { file, name, loss, from, to } of rows()) {
    const [place, other] = placesOf(sources.tree(file), name, from);
    if (place === undefined || other !== undefined) throw new Error(`${file}: ${name} must have this once:\n${from}`);
    const was = sources.tree(file).getFullText();
    const said = `${file} ${name}: ${loss}`;
    if (said.includes(values.only)) yield { file, was, is: changed(was, { ...place, text: to }), said };
  }
}

/** The tests that judge a breakage of a file, nearest first. */
function groupsOf(file: string, reach: Reach): Groups {
  const isCore = file.startsWith(CORE);
  const tests = reach.testsOf(file);
  const ours = tests.filter((test) => test.startsWith('test/unit/roll/')).slice(0, MOST_TABLES);
  const chosen = isCore ? ours : tests.slice(0, values.rows ? MOST_OF_ROW : MOST);
  const isAlone = (test: string) => test.startsWith(OF_TOKEN) || ALONE.test(readFileSync(join(ROOT, test), 'utf8'));
  const together = chosen.filter((test) => !isAlone(test));
  return [
    together.slice(0, isCore ? MOST_TABLES : FIRST),
    together.slice(isCore ? MOST_TABLES : FIRST),
    ...chosen.filter(isAlone).map((test) => [test]),
    ...(isCore ? [...WALKS.map((_, i) => [walkFile(i)]), [PROMISES]] : []),
  ];
}

/** The fates of breakages, which the sums count; what only the compiler notices has none. */
const FATE = { failed: 'noticed', passed: 'survived', late: 'late' } as const satisfies Record<Ended['is'], string>;
interface Judged {
  readonly file: string;
  readonly fate: (typeof FATE)[Ended['is']];
}

async function judgeAll(breakages: Iterable<Breakage>, until: number, place: string): Promise<readonly Judged[]> {
  const reach = new Reach(ROOT);
  const { NEWLEAF_NODE_24: node24 } = process.env;
  const node = node24 === undefined ? [process.execPath, '--import', 'tsx'] : [node24];
  const clean: Clean = new Map();
  const all: Judged[] = [];
  // The workers share it.
  const open = breakages[Symbol.iterator]();
  const work = async (number: number) => {
    const shop = new Workshop(ROOT, join(place, String(number)), node, clean);
    for (const [i, walk] of WALKS.entries()) shop.write(walkFile(i), walkText(walk));
    for (let next = open.next(); next.done !== true; next = open.next()) {
      const { file, was, is, said } = next.value;
      const groups = groupsOf(file, reach);
      const ended = await shop.judge(file, { is, was }, groups);
      const fate = FATE[ended.is];
      if (fate === 'survived' && sources.refuses(file, is, 'all')) refused += 1;
      else {
        all.push({ file, fate });
        const [first = 'no test', ...others] = await shop.asked(groups.flat());
        const by = ended.is === 'passed' ? `${first} and ${others.length} others pass` : ended.test;
        if (fate !== 'noticed' || values.rows) console.log(`${fate.toUpperCase()} ${said}\n  ${by}`);
      }
      if (Date.now() > until) return;
    }
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, (_, i) => work(i + 1)));
  for (const [test, passes] of clean)
    if (!(await passes)) console.log(`Not asked, as it does not pass in a copy of newleaf as it is: ${test}`);
  return all;
}

/** The room of a file (agent/roll, hsm), for which the sums are made. */
const roomOf = (file: string) => /^(agent\/[^/]+|[^/]+)/.exec(file)?.[0] ?? file;

function conclude(all: readonly Judged[], seconds: number): void {
  const row = (room: string, of: readonly Judged[]) => {
    const counts = Object.values(FATE).map((one) => of.filter(({ fate }) => fate === one).length);
    console.log(room.padEnd(20) + counts.map((count) => String(count).padStart(10)).join(''));
  };
  console.log(
    `\n${' '.repeat(20)}${Object.values(FATE)
      .map((fate) => fate.padStart(10))
      .join('')}`,
  );
  for (const room of [...new Set(all.map(({ file }) => roomOf(file)))].sort())
    row(
      room,
      all.filter(({ file }) => roomOf(file) === room),
    );
  row('all', all);
  console.log(`Seed ${seed}, ${(seconds / 60).toFixed(1)} minutes. The compiler refuses ${refused} others.`);
}

const files = sources.files().filter((file) => file.includes(values.only) && !WORDS.test(file));
if (values.help) console.log(USAGE);
else if (values.list) {
  for (const file of files) for (const one of breakagesOf(sources.tree(file))) console.log(breakageOf(file, one).said);
} else {
  // Inside of the repository, so that packages are found, and the commit that a bundle names.
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  const place = await mkdtemp(join(ROOT, '.cache', 'mutants-'));
  // Tests become other users.
  await chmod(place, 0o755);
  try {
    const begun = performance.now();
    const until = values.rows ? Number.POSITIVE_INFINITY : Date.now() + Number(values.budget) * 1000;
    const all = await judgeAll(values.rows ? byHand() : drawn(files), until, place);
    conclude(all, (performance.now() - begun) / 1000);
    // Those that are drawn have to be judged by a person; the rows have been.
    if (values.rows && all.some(({ fate }) => fate !== 'noticed')) process.exitCode = 1;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
