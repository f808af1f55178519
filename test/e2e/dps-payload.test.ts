import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../simulator/simulator.ts';
import { Gateway } from './stage/gateway.ts';
import { settingsOf, tomlOf } from './stage/settings.ts';

const PAYLOAD = `{ site = "Köln", line = 4, load = 0.5, spare = false, modules = ["a", "b"], tags = [{ k = "x", v = [1, 2] }] }`;
/** DPS takes messages of 96 KB. */
const LONG = 'x'.repeat(90_000);

test('dps.payload goes to the allocation function with each registration, as it is at the start of the daemon', async (t) => {
  const far = await startSimulator();
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const gateway = new Gateway(far.endpoints, { settings: { 'dps.payload': PAYLOAD } });
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  const sent = () =>
    far.log
      .matching({ event: 'register' })
      .map(({ body }) => (JSON.parse(String(body)) as { payload: unknown }).payload);
  const first = {
    site: 'Köln',
    line: 4,
    load: 0.5,
    spare: false,
    modules: ['a', 'b'],
    tags: [{ k: 'x', v: [1, 2] }],
  };
  await gateway.start();
  await gateway.settled();
  assert.deepEqual(sent(), [first]);

  const settings = settingsOf(far.endpoints, {
    registrationId: gateway.registrationId,
    hsm: gateway.token.hsm,
    files: gateway.directory,
    home: gateway.directory,
  });
  await gateway.stop();
  gateway.configure([tomlOf({ ...settings, 'log.level': '"debug"', 'dps.payload': `{ long = "${LONG}" }` })]);
  await gateway.start();
  await gateway.settled();
  assert.deepEqual(sent(), [first], 'a gateway with an assignment does not register because the payload has changed');
  await gateway.post('/v1/reprovision', { id: 'again' });
  await gateway.until(({ last }) => last?.id === 'again');
  assert.deepEqual(sent(), [first, { long: LONG }]);
});
