import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Stage } from './stage.ts';

describe('a file whose name says that it is not complete', () => {
  for (const name of ['.gw.pem.Xy12', 'gw.pem.tmp', 'gw.pem.part', 'gw.pem~', 'gw.pem.reason']) {
    test(`${name} is left alone: it is not complete, or not a delivery`, async (t) => {
      const stage = new Stage(t);
      stage.drop(name);
      await stage.start();
      await stage.pass(299_000);
      assert.deepEqual([stage.logged, stage.inbox?.waiting()], [[], undefined]);
      await stage.pass(900_000);
      assert.deepEqual([stage.asks, stage.names('inbox'), stage.events], [[], [name], ['inbox-waits NL-LEAF-PARSE']]);
      const { message } = stage.inbox?.waiting() ?? {};
      assert.equal(
        message,
        `${join(stage.directory, 'inbox', name)} has the name of a file that is not complete yet: newleaf does not take it.`,
      );
      stage.take(name);
      await stage.heard();
      await stage.pass(4_000);
      assert.equal(stage.inbox?.waiting(), undefined);
    });
  }

  test('a hidden file that is no leaf is never told of', async (t) => {
    const stage = new Stage(t);
    stage.drop('.keep');
    await stage.start();
    assert.equal(await stage.clock.asleep(), 600_000);
    await stage.pass(1_200_000);
    assert.deepEqual([stage.asks, stage.logged, stage.inbox?.waiting()], [[], [], undefined]);
  });

  test('nothing is told of a file that grows', async (t) => {
    const stage = new Stage(t);
    await stage.start();
    for (let part = 1; part < 4; part += 1) {
      stage.drop('gw.pem.part', 'x'.repeat(part));
      await stage.pass(240_000);
    }
    assert.deepEqual([stage.logged, stage.inbox?.waiting()], [[], undefined]);
  });
});
