import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { ClientIdentity, Identity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { register } from './device.ts';

const DAY_MS = 86_400_000;

let simulator: Simulator;
let leaf: ClientIdentity;

before(async () => {
  simulator = await startSimulator({ now: () => Date.now() - DAY_MS });
  await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
  leaf = await simulator.clientIdentity('gw-1', { backdateMs: 2 * DAY_MS });
});
after(() => simulator.close());

/** Asks for the state of the registration over HTTPS: HTTP status, and what of the body says something. */
async function lookUp({ key, cert }: Partial<Identity>, scope = simulator.endpoints.idScope, more: object = {}) {
  const { dps, trustPem: ca } = simulator.endpoints;
  const url = `https://${dps}/${scope}/registrations/gw-1?api-version=2019-03-31`;
  const asked = request(url, { method: 'POST', agent: false, ca, ...(key && { key }), ...(cert && { cert }) });
  asked.end(JSON.stringify({ registrationId: 'gw-1', ...more }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const { status, errorCode, assignedHub } = JSON.parse(await text(response));
  return { http: response.statusCode, status, errorCode, assignedHub, date: response.headers.date };
}

const says = async (identity: Partial<Identity>, expected: object, scope?: string) => {
  const { date: _, ...said } = await lookUp(identity, scope);
  assert.deepEqual(said, { status: undefined, errorCode: undefined, assignedHub: undefined, ...expected });
};

test('no registration yet: 404; afterwards the hub; a look registers nothing', async () => {
  await says(leaf, { http: 404, errorCode: 404201 });
  assert.equal(simulator.log.registrations(), 0);
  await register(simulator.endpoints, 'gw-1', leaf);
  await says(leaf, { http: 200, status: 'assigned', assignedHub: simulator.endpoints.hub1 });
  assert.equal(simulator.log.registrations(), 1);
  assert.equal(simulator.log.count({ event: 'lookup' }), 2);
});

test('who may not register is told so: stranger, nobody, other scope', async () => {
  for (const [identity, scope] of [[await simulator.bootstrapIdentity('gw-1')], [{}], [leaf, '0ne0000BEEF']] as const) {
    await says(identity, { http: 401, errorCode: 401002 }, scope);
  }
});

test('a look asks for no certificate', async () => {
  const { http, errorCode } = await lookUp(leaf, undefined, { csr: 'AAAA' });
  assert.deepEqual([http, errorCode], [400, 400004]);
});

test('a disabled enrollment shows in each of its shapes', async (t) => {
  await simulator.setStatus('gateways', 'disabled');
  t.after(() => simulator.setStatus('gateways', 'enabled'));
  await says(leaf, { http: 200, status: 'disabled' });
  await simulator.set({ disabledShape: 'failed' });
  await says(leaf, { http: 200, status: 'failed', errorCode: 401002 });
  await simulator.set({ disabledShape: 'res-401' });
  await says(leaf, { http: 401, errorCode: 401002 });
});

test('the date is that of the clock by which certificates are judged', async () => {
  const off = Date.parse((await lookUp(leaf)).date ?? '') - (Date.now() - DAY_MS);
  assert.ok(Math.abs(off) < 60_000, String(off));
});
