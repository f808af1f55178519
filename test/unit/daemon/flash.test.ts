import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { DAY, Disk, gateway, serving } from './gateway.ts';

/** The answer of a network that is not there. */
const silent = (code: 'NL-DPS-UNREACHABLE' | 'NL-HUB-UNREACHABLE') => () => Promise.reject(new Fault(code));

test('a day without a network is written down once or twice, however often it is tried', async (t) => {
  const disk = new Disk(serving);
  const far = { register: silent('NL-DPS-UNREACHABLE'), connect: silent('NL-HUB-UNREACHABLE') };
  const { clock, counts, stop } = await gateway(t, disk, far);
  await clock.pass(DAY);
  await stop();
  assert.ok(counts.connect > 1_000, `${counts.connect} attempts`);
  assert.ok(disk.written.length <= 3, `${disk.written.length} writes`);
  assert.deepEqual([counts.generate, counts.issue, counts.report], [0, 0, 0]);
  const asked = disk.written.map(({ ask }) => ask?.request.reason);
  assert.deepEqual(new Set(asked), new Set(['unreached']), 'DPS is asked once whether we belong elsewhere');
});
