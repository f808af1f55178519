import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { NOW } from '../roll/machine.ts';
import { Disk, gateway, MINUTE, never, serving } from './gateway.ts';

test('a trouble names the request that met it, and no other one', async (t) => {
  const generate = () => Promise.reject(new Fault('NL-TOKEN-PIN'));
  let tries = 0;
  const connect = () => {
    tries += 1;
    return tries === 1 ? Promise.reject(new Fault('NL-HUB-UNREACHABLE')) : never<void>();
  };
  const { ask, clock, status } = await gateway(t, new Disk(serving), { keys: { generate }, connect });
  // What serves goes before what is next: a start gives the hub a minute.
  await clock.pass(MINUTE);
  const { trouble: alone } = await status();
  assert.deepEqual(
    [alone?.code, alone?.at, alone?.request],
    ['NL-HUB-UNREACHABLE', new Date(NOW).toISOString(), undefined],
  );
  const asked = new Date(clock.now()).toISOString();
  await ask({ kind: 'roll', from: 'technician', id: 'r1', delayMs: 0 });
  const { trouble: met } = await status();
  assert.deepEqual([met?.code, met?.request], ['NL-TOKEN-PIN', 'r1']);
  assert.ok((met?.at ?? '') >= asked, met?.at);
});
