import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keepalive } from '../../../agent/hub/keepalive.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import type { FarSide, Link, Script } from '../mqtt/far-side.ts';
import { quiet } from '../mqtt/quiet.ts';
import { at, never, newHub, serving, startHub } from './hub-side.ts';

quiet();
const leaf = leafNamed('AA');
/** Of the box. Keepalive, its least and the limit for an answer are as far from it as the real ones, but in milliseconds. */
const LIMIT_MS = 300;
const [MOST_MS, LEAST_MS, ANSWER_MS] = [800, 50, 200];

/** What ends a connection, from CONNACK on. */
type Ending = (link: Link) => void;

/** A box on the way, in which there was no packet for so long. */
const idle =
  (then: Ending): Ending =>
  (link) => {
    const { socket } = link;
    const timer = setTimeout(() => {
      socket.removeListener('data', again);
      then(link);
    }, LIMIT_MS);
    const again = () => void timer.refresh();
    socket.on('data', again).on('close', () => clearTimeout(timer));
  };

const behind = (ending: Ending): Script => ({
  ...serving(),
  connack(link) {
    link.send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
    ending(link);
  },
});

const MOST_SESSIONS = 12;

/** A session has stayed. How many it takes is in keepalive.test.ts: on a busy machine two silences in a row may seem to differ. */
function assertLearnt(ends: readonly string[]): void {
  assert.equal(ends.at(-1), 'NL-NETWORK-IDLE', ends.join());
  assert.ok(ends.length < MOST_SESSIONS, ends.join());
}

/** Connects again at once, until a session outlives two limits, or there were enough. @returns the code of each end */
async function endsAt(far: FarSide, most = MOST_SESSIONS): Promise<readonly string[]> {
  const keepalive = new Keepalive(MOST_MS, undefined, { least: LEAST_MS, answerMs: ANSWER_MS });
  const hub = newHub({ keepalive });
  const signals = hub.signals[Symbol.asyncIterator]();
  const ends: string[] = [];
  while (ends.length < most) {
    const since = far.received.length;
    const pings = () => far.received.slice(since).filter(({ cmd }) => cmd === 'pingreq').length;
    const { everyMs } = keepalive.begin();
    await hub.connect(leaf, at(far), never);
    const outlived = far.until(() => pings() * everyMs > 2 * LIMIT_MS).then(() => undefined);
    const end = await Promise.race([signals.next(), outlived]);
    if (end === undefined) break;
    ends.push(end.value?.failure.code ?? '');
  }
  await hub.close();
  return ends;
}

test('a box that ends idle connections: a session stays as soon as it is known', async () => {
  await using far = await startHub(behind(idle(({ socket }) => socket.destroy())));
  assertLearnt(await endsAt(far));
});

test('a box that drops idle connections without a word: the pings without an answer tell', async () => {
  await using far = await startHub(behind(idle(({ socket }) => socket.pause())));
  assertLearnt(await endsAt(far));
});

test('a box that forgets idle connections, and resets them at the next packet: the same', async () => {
  const reset: Ending = ({ socket }) => void socket.removeAllListeners('data').once('data', () => socket.destroy());
  await using far = await startHub(behind(idle(reset)));
  assertLearnt(await endsAt(far));
});

test('another client that takes the session each time after the same time: one guess at most', async () => {
  const stolen: Ending = ({ socket }) => void setTimeout(() => socket.destroy(), LIMIT_MS);
  await using far = await startHub(behind(stolen));
  const ends = await endsAt(far, 6);
  assert.equal(ends.length, 6);
  assert.ok(ends.filter((code) => code === 'NL-NETWORK-IDLE').length <= 1, ends.join());
});

test('a session that newleaf itself ended says nothing about the way', async () => {
  await using far = await startHub();
  const keepalive = new Keepalive(MOST_MS, undefined, { least: 0 });
  const hub = newHub({ keepalive });
  for (const name of ['AA', 'BB', 'CC', 'DD']) await hub.connect(leafNamed(name), at(far), never);
  await hub.close();
  assert.deepEqual(keepalive.told, { seconds: 1 });
});
