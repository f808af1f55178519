import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Publication } from '../../../agent/daemon/publication.ts';
import { type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { publish } from '../../../agent/state/published.ts';
import { TestClock } from '../clock.ts';
import { leafOf } from '../roll/machine.ts';
import { scratch } from '../state/disk.ts';
import { serving as before, Disk, gateway, MINUTE } from './gateway.ts';

const pem = (text: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----\n`;
const serving = (name: string): RollState => ({
  ...unprovisioned,
  phase: 'serving',
  current: { ...leafOf(name, 'a'), chain: pem(name) },
});

function stage(t: TestContext) {
  const directory = scratch(t);
  const clock = new TestClock();
  const said: string[] = [];
  const tries: RollState[] = [];
  const tell = ({ event }: { readonly event: string }) => void said.push(event);
  const publication = new Publication({
    publish(state) {
      tries.push(state);
      return publish(directory, state);
    },
    clock,
    log: { error: tell, warn: tell, info: tell, debug: tell },
  });
  /** As the loop does that looks at the clock once a minute, though nothing has changed. */
  const turns = async (state: RollState, minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await publication.follow({ ...state });
      await clock.pass(MINUTE);
    }
  };
  return { leaf: join(directory, 'leaf.pem'), said, tries, turns, publication };
}

test('files are written once, and again when the leaf is another', async (t) => {
  const { leaf, said, tries, turns } = stage(t);
  const [first, second] = [serving('g0'), serving('g1')];
  await turns(first, 60);
  assert.equal(readFileSync(leaf, 'utf8'), pem('g0'));
  await turns(second, 60);
  assert.equal(readFileSync(leaf, 'utf8'), pem('g1'));
  assert.deepEqual([tries.length, said], [2, []]);
});

test('while a candidate is parked, its file is put right at each turn: an operator enrolls what lies there', async (t) => {
  const { leaf, turns } = stage(t);
  const key = { slot: 'b', id: 'f1' } as const;
  const parked = { ...serving('g0'), next: { is: 'parked', key, leaf: { ...leafOf('g1', 'b'), chain: pem('g1') } } };
  const state = parked as unknown as RollState;
  const next = join(dirname(leaf), 'next.pem');
  await turns(state, 1);
  writeFileSync(next, pem('other'));
  await turns(state, 1);
  assert.equal(readFileSync(next, 'utf8'), pem('g1'));
});

test('a directory in place of leaf.pem: told once, tried ever more seldom, and at once for another leaf', async (t) => {
  const { leaf, said, tries, turns, publication } = stage(t);
  const [first, second] = [serving('g0'), serving('g1')];
  mkdirSync(leaf);
  await turns(first, 60);
  assert.deepEqual([tries.length, said], [12, ['files-unwritten']]);
  await turns(first, 60);
  assert.equal(tries.length, 18, 'every ten minutes at last');
  await turns(second, 1);
  assert.deepEqual([tries.length, said], [19, ['files-unwritten', 'files-unwritten']]);
  assert.equal(publication.failure?.code, 'NL-STATE-WRITE');
  rmdirSync(leaf);
  await turns(second, 60);
  assert.equal(readFileSync(leaf, 'utf8'), pem('g1'));
  assert.deepEqual([tries.length, said.slice(2)], [20, ['files-written']]);
  assert.equal(publication.failure, undefined);
});

test('a disk that takes nothing for a moment leaves the leaf before in leaf.pem for a minute, and not for ten', async (t) => {
  const { leaf, turns, publication } = stage(t);
  mkdirSync(leaf);
  await turns(serving('g0'), 1);
  assert.equal(publication.failure?.code, 'NL-STATE-WRITE');
  rmdirSync(leaf);
  await turns(serving('g0'), 1);
  assert.equal(readFileSync(leaf, 'utf8'), pem('g0'));
  assert.equal(publication.failure, undefined);
});

test('a listener who hears of another leaf finds its files', async (t) => {
  let published: string | undefined;
  const publish = async ({ current }: RollState) => {
    published = current?.thumbprint;
  };
  const { ask, daemon } = await gateway(t, new Disk(before), {}, { publish });
  const found = new Set<string>();
  daemon.subscribe(() => found.add(`${daemon.state.current?.thumbprint} ${published}`));
  await ask({ kind: 'roll', from: 'technician', id: 'r1', delayMs: 0 }, MINUTE);
  assert.deepEqual([...found], ['T-g0 T-g0', 'T-g1 T-g1']);
});

test('a file that a person deletes is there again within an hour', async (t) => {
  const { leaf, turns } = stage(t);
  const first = serving('g0');
  await turns(first, 1);
  rmSync(leaf);
  await turns(first, 61);
  assert.equal(readFileSync(leaf, 'utf8'), pem('g0'));
});
