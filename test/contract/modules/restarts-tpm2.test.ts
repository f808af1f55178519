import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../../agent/failure/exit.ts';
import { PATIENCE_MS, serving } from '../../e2e/stage/site.ts';
import { withEnvironment } from '../../put-back.ts';
import { tpm2 } from './tpm2.ts';

/** More than the objects that the resource manager gives a process. */
const ROLLS = 18;

test('a module that leaves an object in the TPM for each roll: a new process can go on, and does', {
  timeout: 12 * PATIENCE_MS,
}, async (t) => {
  const at = await tpm2();
  t.after(() => at.remove());
  withEnvironment(at.environment, t);
  const pin = join(at.directory, 'user-pin');
  writeFileSync(pin, at.pin, { mode: 0o600 });
  const { gateway } = await serving(t, {
    settings: {
      'hsm.module': JSON.stringify(at.module),
      'hsm.token': JSON.stringify(at.token),
      'hsm.pin_file': JSON.stringify(pin),
    },
  });
  let restarts = 0;
  let ended = gateway.ended();
  for (let roll = 0; roll < ROLLS; roll += 1) {
    const id = `roll-${roll}`;
    const isOver = () =>
      gateway.until(({ last, request }) => last?.id === id && request === undefined, 2 * PATIENCE_MS);
    await gateway.post('/v1/roll', { id });
    // Where the process ends, it is not to be asked any more.
    const over = isOver().catch(() => ended);
    if (typeof (await Promise.race([over, ended])) !== 'object') {
      assert.equal(await ended, EXIT.restart);
      restarts += 1;
      await gateway.start();
      ended = gateway.ended();
    }
    assert.equal((await isOver()).last?.outcome, 'done');
    await gateway.settled();
  }
  assert.ok(restarts > 0);
});
