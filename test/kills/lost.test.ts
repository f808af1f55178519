import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inOrder } from '../e2e/stage/counting.ts';
import { scratch } from '../unit/state/disk.ts';
import type { Noted } from './calls.ts';
import { frozen } from './frozen.ts';
import { filesBelow, losePower } from './lost.ts';

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** What a file is replaced with, as `writeAtomically` does it: so many of its calls are made. */
async function left(t: TestContext, made: number): Promise<string> {
  const directory = scratch(t);
  const [file, beside] = [join(directory, 'file'), join(directory, '.file.new')];
  writeFileSync(file, 'old');
  const before = filesBelow(directory);
  const call = (name: string, path: string, bytes = ''): Noted => ({
    side: 'after',
    name,
    path,
    number: 0,
    bytes: Buffer.from(bytes),
  });
  const all = [
    call('truncate', beside),
    call('write', beside, 'new'),
    call('fsync', beside),
    call('rename', beside, file),
    call('fsync', directory),
  ];
  await losePower(directory, before, all.slice(0, made));
  assert.deepEqual(readdirSync(directory), ['file']);
  return readFileSync(file, 'utf8');
}

test('what was not synced is lost, and nothing else', async (t) => {
  const found = [];
  for (const made of [0, 1, 2, 3, 4, 5]) found.push(await left(t, made));
  assert.deepEqual(found, ['old', 'old', 'old', 'old', 'old', 'new']);
});

test('a file that is renamed and was never synced is empty, where the disk keeps its name', async (t) => {
  const directory = scratch(t);
  const [file, beside] = [join(directory, 'file'), join(directory, '.file.new')];
  writeFileSync(file, 'old');
  const calls = (['truncate', 'write', 'rename'] as const).map(
    (name): Noted => ({
      side: 'after',
      name,
      path: beside,
      number: 0,
      bytes: Buffer.from(name === 'rename' ? file : 'new'),
    }),
  );
  // 0.99: no part of a write is kept, and of the names the last.
  await losePower(directory, filesBelow(directory), calls, () => 0.99);
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a process that is frozen writes nothing, and goes on afterwards', async (t) => {
  const file = join(scratch(t), 'file');
  const writer = spawn('sh', ['-c', 'while :; do echo line >>"$1"; done', 'sh', file]);
  t.after(() => writer.kill('SIGKILL'));
  const grows = async () => {
    const before = sizeOf(file);
    while (sizeOf(file) <= before) await new Promise((resolve) => setImmediate(resolve));
  };
  await grows();
  frozen(writer.pid ?? 0, () => {
    const [before, until] = [sizeOf(file), performance.now() + 50];
    while (performance.now() < until) assert.equal(sizeOf(file), before);
  });
  await grows();
});

test('what was torn at one time may come in any order, and nothing else', () => {
  const torn = [new Set([2, 3, 4])];
  assert.deepEqual(inOrder([1, 3, 4, 2, 5], torn), [1, 2, 3, 4, 5]);
  assert.deepEqual(inOrder([1, 3, 4, 5, 2], torn), [1, 2, 3, 5, 4], 'another number came in between');
  assert.deepEqual(inOrder([2, 1, 3], torn), [2, 1, 3], 'only one of them was torn');
  assert.deepEqual(inOrder([3, 2], [new Set([2]), new Set([3])]), [3, 2], 'torn at two times');
});
