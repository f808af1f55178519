import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counting } from '../stage/counting.ts';
import { serving } from '../stage/site.ts';

const ID = 'gw-0001';

test('an operator reads in the twin and by leafStatus what the programs of a gateway need', async (t) => {
  const { far, gateway } = await serving(t, { settings: { 'uplink.max_bytes': '"1MiB"' } });
  const reported = async () => ((await far.twin(ID)).reported.newleaf as { uplink?: object }).uplink;
  assert.equal(await reported(), undefined, 'nothing where there are no programs');
  assert.equal('uplink' in ((await far.callMethod(ID, 'leafStatus')).payload as object), false);

  const socket = await gateway.program('sensors');
  await gateway.post('/v1/roll', { id: 'roll' });
  await gateway.settled();
  await until(async () => assert.deepEqual(await reported(), { programs: 1, codes: [] }));

  await far.lay('hub1', 'puback-delay', { ms: 60_000 });
  const program = new Counting('sensors', socket, { bodyBytes: 30_000 });
  t.after(() => program.stop());
  await until(async () => {
    const { payload } = await far.callMethod(ID, 'leafStatus');
    const { uplink } = payload as { uplink: { programs: { trouble?: { code: string } }[] } };
    assert.equal(uplink.programs[0]?.trouble?.code, 'NL-UPLINK-FULL');
  });
  await gateway.post('/v1/roll', { id: 'next' });
  await until(async () => assert.deepEqual(await reported(), { programs: 1, codes: ['NL-UPLINK-FULL'] }));
});

async function until(holds: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await holds();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
