import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scratch } from '../../unit/state/disk.ts';
import { inOrder, left, live, nothing } from './lives.ts';

/** More of them: `KILLS=250`, twice. */
const KILLS = Number(process.env.KILLS ?? 25);

suite('kill -9 of a process with eight writers', { concurrency: 2 }, () => {
  test('nothing acknowledged is missing, nothing is there twice, and all is in order', async (t) => {
    const directory = scratch(t);
    const told = nothing();
    for (let number = 1; number <= KILLS; number += 1)
      assert.equal(await live(t, told, { directory, number, mode: '' }), 'SIGKILL', 'it did not end by itself');
    const found = await left(directory);
    const there = new Set(found);
    assert.deepEqual(
      told.acked.filter((text) => !there.has(text)),
      [],
    );
    assert.equal(there.size, found.length);
    // Of each life, each writer has at most one message that was stored, and not acknowledged.
    assert.ok(
      found.length - told.acked.length <= KILLS * 8 * 2,
      `${found.length} found, ${told.acked.length} acknowledged`,
    );
    inOrder(found);
    assert.deepEqual(told.warned, []);
    t.diagnostic(`${told.acked.length} acknowledged`);
  });

  test('with a reader, all acknowledged is read, and only the last of it once more', async (t) => {
    const directory = scratch(t);
    const told = nothing();
    let twice = 0;
    const seen = new Set<string>();
    for (let number = 1; number <= KILLS; number += 1) {
      const from = told.read.length;
      assert.equal(await live(t, told, { directory, number, mode: 'reader' }), 'SIGKILL', 'it did not end by itself');
      const now = told.read.slice(from);
      assert.equal(new Set(now).size, now.length, 'one process reads a message once');
      const again = now.filter((text) => seen.has(text)).length;
      assert.deepEqual(
        now.slice(0, again).filter((text) => !seen.has(text)),
        [],
        'first those of before',
      );
      for (const text of now) seen.add(text);
      twice += again;
    }
    const found = await left(directory);
    for (const text of found) seen.add(text);
    assert.deepEqual(
      told.acked.filter((text) => !seen.has(text)),
      [],
    );
    assert.deepEqual(told.warned, []);
    t.diagnostic(`${told.read.length} read, ${twice} of them once more`);
  });
});
