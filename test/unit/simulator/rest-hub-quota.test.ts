import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Official, type OfficialAnswer } from './official.ts';

let simulator: Simulator;
let official: Official;
before(async () => {
  simulator = await startSimulator();
  official = await Official.start(simulator.endpoints.trustPem);
});
after(async () => {
  await official.stop();
  await simulator.close();
});

const registry = (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
  official.call({ client: 'registry', connection: simulator.endpoints.hub1Service, method, args });

async function value(answer: Promise<OfficialAnswer>): Promise<unknown> {
  const got = await answer;
  assert.ok('value' in got, JSON.stringify(got));
  return got.value;
}

async function refusal(answer: Promise<OfficialAnswer>): Promise<[string, number | undefined]> {
  const got = await answer;
  assert.ok('refused' in got, JSON.stringify(got));
  return [got.refused.name, got.refused.status];
}

test('a query that counts: all, and by a property; a query that is too long, and one that groups by another column', async () => {
  for (const [id, phase] of [
    ['count-1', 'serving'],
    ['count-2', 'serving'],
    ['count-3', 'stranded'],
  ] as const) {
    await simulator.writeDevice('hub1', id, 'AB'.repeat(32));
    simulator.registries.hub1.patchReported(id, { newleaf: { phase } });
  }
  const asked = (sql: string) => value(registry('createQuery', sql));
  const where = "WHERE STARTSWITH(deviceId, 'count-')";
  assert.deepEqual(await asked(`SELECT COUNT() AS many FROM devices ${where}`), [[{ many: 3 }]]);
  const path = 'properties.reported.newleaf.phase';
  assert.deepEqual(await asked(`SELECT ${path} AS phase, COUNT() AS many FROM devices ${where} GROUP BY ${path}`), [
    [
      { phase: 'serving', many: 2 },
      { phase: 'stranded', many: 1 },
    ],
  ]);
  for (const wrong of [
    `SELECT deviceId AS id, COUNT() AS many FROM devices GROUP BY ${path}`,
    `SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8_192)}'`,
  ]) {
    assert.deepEqual(await refusal(registry('createQuery', wrong)), ['ArgumentError', 400]);
  }
});

test('a quota: 429 with Retry-After until its window is over', async (context) => {
  await simulator.lay('hub1', 'rest-quota', { rate: 2, ms: 60_000 });
  context.after(() => simulator.lift('hub1', 'rest-quota'));
  await registry('list');
  await registry('list');
  assert.deepEqual(await refusal(registry('list')), ['ThrottlingError', 429]);
});
