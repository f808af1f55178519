import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { APART_MS, StartNote } from '../../../agent/state/start-note.ts';
import { scratch } from './disk.ts';

const START_MS = 100_000;

/** How long after a daemon the next one comes, and how long that must wait. */
const ROWS: readonly (readonly [number, number])[] = [
  [0, APART_MS],
  [1_000, APART_MS - 1_000],
  [APART_MS - 1, 1],
  [APART_MS, 0],
  [86_400_000, 0],
  // The machine has started anew, or its note came from elsewhere.
  [-1, 0],
];

for (const [laterMs, owedMs] of ROWS) {
  test(`${laterMs} ms after the start of another, ${owedMs} ms are owed`, async (t) => {
    const directory = scratch(t);
    await new StartNote(directory, () => START_MS).leave();
    assert.equal(await new StartNote(directory, () => START_MS + laterMs).owedMs(), owedMs);
  });
}

test('who was told to end owes nothing, nor does the first', async (t) => {
  const note = new StartNote(scratch(t), () => START_MS);
  assert.equal(await note.owedMs(), 0);
  await note.leave();
  await note.remove();
  await note.remove();
  assert.equal(await note.owedMs(), 0);
});

for (const text of ['', '\n', 'soon', '{}', 'NaN', '-Infinity', '1e999']) {
  test(`${JSON.stringify(text)} is no note`, async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'started'), text);
    assert.equal(await new StartNote(directory, () => START_MS).owedMs(), 0);
  });
}

test('without a directory, or with one that cannot be written, nothing is owed and nothing fails', async (t) => {
  for (const directory of [undefined, join(scratch(t), 'none')]) {
    const note = new StartNote(directory, () => START_MS);
    await note.leave();
    assert.equal(await note.owedMs(), 0);
    await note.remove();
  }
});

test('by the clock of the machine, two processes agree', async (t) => {
  const directory = scratch(t);
  await new StartNote(directory).leave();
  const owed = await new StartNote(directory).owedMs();
  assert.ok(owed > APART_MS - 5_000 && owed <= APART_MS, String(owed));
});
