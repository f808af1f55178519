import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testAsOthers } from '../../as-others.ts';
import { accepted, refusal, Stage } from './stage.ts';

describe('whatever happens meanwhile', () => {
  test('a file that is replaced while it is verified is not lost, and not judged by its predecessor', async (t) => {
    const stage = new Stage(t);
    const replace = () => stage.drop('gw.pem', 'the right one');
    stage.answer = ({ delivered }) => {
      if (delivered.toString() === 'the right one') return accepted;
      replace();
      return refusal('NL-LEAF-CN');
    };
    stage.drop('gw.pem', 'the wrong one');
    await stage.start();
    await stage.pass(6_000);
    assert.deepEqual([stage.asks.length, stage.names('inbox'), stage.names('rejected')], [2, [], []]);
  });

  test('a file that takes the place of one that is accepted is judged, too', async (t) => {
    const stage = new Stage(t);
    stage.answer = ({ delivered }) => {
      if (delivered.toString() === 'first') stage.drop('gw.pem', 'the second one');
      return accepted;
    };
    stage.drop('gw.pem', 'first');
    await stage.start();
    await stage.pass(2_000);
    await stage.heard();
    await stage.pass(4_000);
    const asked = stage.asks.map(({ delivered }) => delivered.toString());
    assert.deepEqual([asked, stage.names('inbox')], [['first', 'the second one'], []]);
  });

  testAsOthers(import.meta.filename, 'one that is accepted and cannot be removed is not installed again', async (t) => {
    const stage = new Stage(t);
    await stage.start();
    stage.drop('gw.pem');
    chmodSync(join(stage.directory, 'inbox'), 0o555);
    await stage.heard();
    await stage.pass(180_000);
    assert.deepEqual([stage.asks.length, stage.events], [1, ['inbox-accepted', 'inbox-waits NL-STATE-WRITE']]);
  });

  test('one that somebody takes away is forgotten', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => {
      stage.take('gw.pem');
      return refusal('NL-LEAF-CN');
    };
    stage.drop('gw.pem');
    await stage.start();
    await stage.pass(70_000);
    assert.deepEqual([stage.asks.length, stage.logged, stage.names('rejected')], [1, [], []]);
  });

  test('the end does not wait for a daemon that has ended, and the file stays', async (t) => {
    const stage = new Stage(t);
    const asked = new Promise<void>((resolve) => {
      stage.answer = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    stage.drop('gw.pem');
    await stage.start();
    await stage.clock.pass(2_000);
    await asked;
    await stage.inbox?.close();
    assert.equal(existsSync(join(stage.directory, 'inbox', 'gw.pem')), true);
    assert.deepEqual(stage.logged, []);
  });
});
