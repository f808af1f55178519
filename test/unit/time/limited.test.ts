import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { limited } from '../../../agent/time/limited.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

test('a time limit outlives the garbage collection', { timeout: 60_000 }, async (t) => {
  // A timeout of a signal keeps no process alive.
  const awake = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(awake));
  const abort = new AbortController();
  const over = once(limited(abort.signal, 50), 'abort');
  await turn();
  collect();
  await over;
  assert.equal(abort.signal.aborted, false);
});

test('it ends with its abort, and with the reason of that', () => {
  const abort = new AbortController();
  const signal = limited(abort.signal, 60_000);
  const reason = new Error('shutting down');
  abort.abort(reason);
  assert.equal(signal.reason, reason);
});
