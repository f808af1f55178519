import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertKept } from '../stage/counting.ts';
import { brisk, counting, cutOff, ID } from './stage.ts';

/** A program with messages that wait, on a gateway that has been stopped. */
async function stopped(t: TestContext) {
  const at = await brisk(t);
  const program = await counting(t, at, 'sensors', { everyMs: 5 });
  await cutOff(at);
  while (program.acknowledged.length < 60) await new Promise((resolve) => setTimeout(resolve, 20));
  program.stop();
  await at.gateway.stop();
  return { ...at, program };
}

test('decommission sends what waits, and then destroys it', async (t) => {
  const { far, gateway, program } = await stopped(t);
  await far.lift('hub1', 'port-closed');
  const { code, out } = await gateway.command('decommission', '--yes');
  assert.equal(code, 0);
  assert.match(out, /the program sensors, and \d+ messages of it that wait for the hub/);
  assert.match(out, /Sending what waits for the hub …\nAll of it is at the hub\.\n/);
  await assertKept(far, ID, program);
  assert.ok(!existsSync(join(gateway.stateDirectory, 'uplink')));
  assert.deepEqual(gateway.token.privateKeys(), []);
  for (const asked of [['list'], ['show', 'sensors'], ['add', 'lamps']]) {
    const { code, err } = await gateway.command('uplink', ...asked);
    assert.equal(code, 4, err);
    assert.match(err, /NL-STATE-DECOMMISSIONED/, 'nobody is told to start it again');
  }
});

test('decommission does not wait for ever for a hub that is away', async (t) => {
  const { gateway, program } = await stopped(t);
  const { code, out } = await gateway.command('decommission', '--yes');
  assert.equal(code, 0);
  assert.match(out, /\d+ messages could not be sent\./);
  assert.ok(program.acknowledged.length >= 60);
  assert.deepEqual(gateway.token.privateKeys(), []);
});
