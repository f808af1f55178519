import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { leaveWords } from '../../../agent/state/last-words.ts';
import { takeLock } from '../../../agent/state/lock.ts';
import { publish } from '../../../agent/state/published.ts';
import { candidate, current, DAY, Disk, gateway, HOUR, servingState } from '../daemon/gateway.ts';
import { sent } from '../roll/candidates.ts';
import { fault, scratch } from './disk.ts';

/** The most that one gateway may write of its own a day, whatever lasts. */
const A_DAY = 50;

const pem = (text: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----\n`;

test('a link that drops each minute costs a write an hour', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(servingState));
  for (let ms = 0; ms < DAY; ms += 61_000) {
    await clock.pass(61_000);
    await lose(current.thumbprint, 61_000);
  }
  assert.ok(counts.connect > 1_400, `${counts.connect} sessions`);
  assert.ok(counts.writes > 20 && counts.writes <= 26, `${counts.writes} writes`);
});

test('sessions that end within a second, and a session that holds', async (t) => {
  const flapping = await gateway(t, new Disk(servingState));
  for (let ms = 0; ms < DAY; ms += HOUR / 12) {
    await flapping.lose(current.thumbprint, 1_000);
    await flapping.clock.pass(HOUR / 12);
  }
  assert.ok(flapping.counts.writes <= A_DAY, `${flapping.counts.writes} writes`);
  const idle = await gateway(t, new Disk(servingState));
  await idle.clock.pass(2 * DAY);
  assert.ok(idle.counts.writes <= 3, 'a day on which nothing happens costs the write that proves the disk');
});

/** What is in the directory, and when it was changed: anything that is made, replaced or removed shows. */
function printOf(directory: string): object {
  const names = readdirSync(directory).sort();
  const times = (path: string) => {
    const { ino, mtimeMs, ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    return [ino, mtimeMs, ctimeMs];
  };
  return { itself: times(directory), names, files: names.map((name) => times(join(directory, name))) };
}

function places(t: TestContext) {
  const parent = scratch(t);
  const [state, runtime] = [join(parent, 'state'), join(parent, 'run')];
  for (const directory of [state, runtime]) mkdirSync(directory);
  return { state, runtime };
}

test('a token that is away: the next start, which ends for the same reason, writes nothing into the state directory', async (t) => {
  const { state, runtime } = places(t);
  const start = async () => {
    const lock = await takeLock(state, runtime);
    await lock.release();
    await leaveWords(state, failure('NL-TOKEN-MISSING'), Date.now());
  };
  await start();
  const first = printOf(state);
  for (let times = 0; times < 5; times += 1) await start();
  assert.deepEqual(printOf(state), first);
  await leaveWords(state, failure('NL-TOKEN-MODULE'), Date.now());
  assert.notDeepEqual(printOf(state), first, 'another reason is written down');
});

test('the files for others are not written again where they are the same', async (t) => {
  const { state } = places(t);
  const leaf = { ...current, chain: pem('g0') };
  const next = sent({ ...candidate, chain: pem('g1') });
  await publish(state, { ...servingState, current: leaf, next });
  const first = printOf(state);
  await publish(state, { ...servingState, current: leaf, next });
  assert.deepEqual(printOf(state), first);
  writeFileSync(join(state, 'leaf.pem'), 'something else');
  await publish(state, { ...servingState, current: leaf, next });
  assert.notDeepEqual(printOf(state), first);
  assert.deepEqual(readdirSync(state), ['chain.pem', 'leaf.pem', 'next.pem']);
  await publish(state, { ...servingState, current: leaf });
  assert.deepEqual(readdirSync(state), ['chain.pem', 'leaf.pem'], 'there is nothing to enroll any more');
});

test('with a lock in the runtime directory there is one daemon for a state directory, wherever the other looks', async (t) => {
  const { state, runtime } = places(t);
  const other = join(runtime, 'other');
  mkdirSync(other);
  const lock = await takeLock(state, runtime);
  assert.equal(readlinkSync(join(state, 'lock')), join(runtime, 'lock'));
  for (const place of [undefined, runtime, other])
    await assert.rejects(takeLock(state, place), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();

  const plain = await takeLock(state);
  for (const place of [undefined, runtime, other])
    await assert.rejects(takeLock(state, place), fault('NL-DAEMON-RUNS', /already runs/));
  await plain.release();
  assert.deepEqual(readdirSync(state), []);

  const moved = await takeLock(state, other);
  assert.equal(readlinkSync(join(state, 'lock')), join(other, 'lock'));
  await moved.release();
  await (await takeLock(state, runtime)).release();
});

test('of many that start at once, some with a runtime directory and some without, one has the lock', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const { state, runtime } = places(t);
    if (round % 2) await (await takeLock(state, runtime)).release();
    const taken = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => takeLock(state, index % 2 ? runtime : undefined)),
    );
    const held = taken.filter((one) => one.status === 'fulfilled');
    assert.equal(held.length, 1);
    await held[0]?.value.release();
  }
});

test('a runtime directory that takes nothing keeps no daemon from its work', async (t) => {
  const { state, runtime } = places(t);
  const lock = await takeLock(state, join(runtime, 'gone'));
  await assert.rejects(takeLock(state), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();
});
