import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onWire } from '../../../agent/ask/wire.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { met as metBy } from '../roll/candidates.ts';
import { NOW } from '../roll/machine.ts';
import { Disk, gateway, never, servingState } from './gateway.ts';

const PAST = new Fault('NL-HUB-UNREACHABLE').failure;

test('a trouble names the request that met it, and no other one', async (t) => {
  const generate = () => Promise.reject(new Fault('NL-TOKEN-OCCUPIED'));
  const disk = new Disk({ ...servingState, sessionTrouble: metBy(PAST) });
  const { daemon, clock } = await gateway(t, disk, { keys: { generate }, connect: never });
  const wire = onWire(daemon.answer);
  const troubleNow = async () => ((await wire({ kind: 'status' })).body as Status).trouble;
  const alone = await troubleNow();
  assert.deepEqual(
    [alone?.code, alone?.at, alone?.request],
    ['NL-HUB-UNREACHABLE', new Date(NOW).toISOString(), undefined],
  );
  const asked = new Date(clock.now()).toISOString();
  void wire({ kind: 'roll', from: 'technician', id: 'r1', delayMs: 0 });
  await clock.pass(10);
  const met = await troubleNow();
  assert.deepEqual([met?.code, met?.request], ['NL-TOKEN-OCCUPIED', 'r1']);
  assert.ok((met?.at ?? '') >= asked, met?.at);
});
