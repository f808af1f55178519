import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Tray } from '../../../agent/inbox/tray.ts';
import { TestClock } from '../clock.ts';
import { scratch } from '../state/disk.ts';
import { later } from './stage.ts';

const LOOKS = 4_000;
/** A quarter of what each look left behind while it was still heard by a promise that lives as long as the daemon: 425 bytes. */
const MOST_A_LOOK = 100;

const ROUNDS = 4;

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

test('a file that waits costs nothing that stays, however often it is looked at', async (t) => {
  const directory = scratch(t);
  const log = { error() {}, warn() {}, info() {}, debug() {} };
  const clock = new TestClock();
  const closing = new AbortController();
  let asked = 0;
  const answer = async () => {
    asked += 1;
    return later('NL-LEAF-NOT-YET', 3_600);
  };
  const tray = new Tray({ directory, answer, clock, log }, closing.signal);
  assert.ok(await tray.prepare());
  writeFileSync(`${tray.path}/gw.pem`, 'a chain');
  await tray.look();
  await clock.pass(2_000);
  const look = async (times: number) => {
    for (let one = 0; one < times; one += 1) await tray.look();
    gc();
    return process.memoryUsage().heapUsed;
  };
  let held = await look(LOOKS / 4);
  const listeners = getEventListeners(closing.signal, 'abort').length;
  // A file that is left open is closed by the garbage collection, and this is counted before one.
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const open = descriptors();
  for (let one = 0; one < 20; one += 1) await tray.look();
  assert.equal(descriptors(), open);
  // Code that is compiled meanwhile is memory, too, but not in each round.
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = await look(LOOKS / ROUNDS);
    rounds.push((now - held) / (LOOKS / ROUNDS));
    held = now;
  }
  const grown = Math.min(...rounds);
  assert.equal(asked, LOOKS * 1.25 + 20);
  assert.equal(getEventListeners(closing.signal, 'abort').length, listeners);
  assert.ok(grown < MOST_A_LOOK, `${Math.round(grown)} bytes a look`);
});

test('a look that waits for an answer ends when the daemon does', async (t) => {
  const log = { error() {}, warn() {}, info() {}, debug() {} };
  const clock = new TestClock();
  const closing = new AbortController();
  let asked = 0;
  const answer = () => {
    asked += 1;
    closing.abort();
    return new Promise<never>(() => {});
  };
  const tray = new Tray({ directory: scratch(t), answer, clock, log }, closing.signal);
  await tray.prepare();
  for (const name of ['gw.pem', 'other.pem']) writeFileSync(`${tray.path}/${name}`, 'a chain');
  await tray.look();
  await clock.pass(2_000);
  await tray.look();
  // Another file would have been read, and handed on, by then.
  for (let times = 0; times < 20; times += 1) await readFile(`${tray.path}/other.pem`);
  assert.equal(asked, 1, 'and nothing else is begun');
});
