import assert from 'node:assert/strict';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Flash } from './flash.ts';
import { cpuMsOf } from './proc.ts';

const TIMES = 500;
const PAGE = Buffer.alloc(4_096, 'x');

/** What one of many writes costs, each with a flush. */
function each(flash: Flash, file: number, at: (index: number) => number) {
  const before = flash.written();
  for (let index = 0; index < TIMES; index += 1) {
    writeSync(file, PAGE, 0, PAGE.length, at(index));
    fdatasyncSync(file);
  }
  const after = flash.written();
  return { bytes: (after.bytes - before.bytes) / TIMES, flushes: (after.flushes - before.flushes) / TIMES };
}

test('what is counted on a device, with writes whose cost is known', (t) => {
  const flash = Flash.open();
  const file = openSync(join(flash.directory, 'file'), 'w');
  t.after(() => {
    closeSync(file);
    flash.close();
  });
  const room = Buffer.alloc(64 * PAGE.length);
  writeSync(file, room, 0, room.length, 0);
  const inPlace = each(flash, file, (index) => (index % 64) * PAGE.length);
  assert.ok(inPlace.bytes >= 4_096 && inPlace.bytes < 4_400, `${inPlace.bytes} bytes in place`);
  assert.ok(inPlace.flushes >= 1 && inPlace.flushes < 1.1, `${inPlace.flushes} flushes in place`);
  const longer = each(flash, file, (index) => (64 + index) * PAGE.length);
  assert.ok(longer.bytes > 2.5 * inPlace.bytes, `${longer.bytes} bytes at the end`);
  assert.ok(longer.flushes > 1.5, `${longer.flushes} flushes at the end`);
});

test('the CPU of a process', () => {
  const [before, from] = [cpuMsOf(process.pid), process.cpuUsage()];
  while (process.cpuUsage(from).user < 1_000_000);
  const { user, system } = process.cpuUsage(from);
  const told = cpuMsOf(process.pid) - before;
  assert.ok(Math.abs(told - (user + system) / 1_000) <= 40, `${told} ms of ${(user + system) / 1_000}`);
});
