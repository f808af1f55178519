import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { leaveWords } from '../../../agent/state/last-words.ts';
import { takeLock } from '../../../agent/state/lock.ts';
import { publish } from '../../../agent/state/published.ts';
import { candidate, current, DAY, Disk, gateway, HOUR, serving, servingState } from '../daemon/gateway.ts';
import { sent } from '../roll/candidates.ts';
import { scratch } from './disk.ts';

/** The most that one gateway may write of its own a day, whatever lasts. */
const A_DAY = 50;

const pem = (text: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString('base64')}\n-----END CERTIFICATE-----\n`;

test('a link that drops each minute costs a write an hour', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(serving));
  for (let ms = 0; ms < DAY; ms += 61_000) {
    await clock.pass(61_000);
    await lose(current.thumbprint, 61_000);
  }
  assert.ok(counts.connect > 1_400, `${counts.connect} sessions`);
  assert.ok(counts.writes > 20 && counts.writes <= 26, `${counts.writes} writes`);
});

test('sessions that end within a second, and a session that holds', async (t) => {
  const flapping = await gateway(t, new Disk(serving));
  for (let ms = 0; ms < DAY; ms += HOUR / 12) {
    await flapping.lose(current.thumbprint, 1_000);
    await flapping.clock.pass(HOUR / 12);
  }
  assert.ok(flapping.counts.writes <= A_DAY, `${flapping.counts.writes} writes`);
  const idle = await gateway(t, new Disk(serving));
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

test('a token that is away: the next start, which ends for the same reason, writes nothing into the state directory', async (t) => {
  const state = scratch(t);
  const start = async () => {
    const lock = await takeLock(state);
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
  const state = scratch(t);
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
