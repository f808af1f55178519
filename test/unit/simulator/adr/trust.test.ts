import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Authority, type ClientIdentity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { admits, knockAt } from './device.ts';

const CERTIFICATE = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/g;

let simulator: Simulator;
let flat: Authority;
let deep: Authority;

before(async () => {
  simulator = await startSimulator();
  [flat, deep] = await Promise.all([Authority.create('flat', 0), Authority.create('deep', 2)]);
  await simulator.trustHubCa('hub1', flat.rootPem);
  await simulator.trustHubCa('hub1', deep.rootPem);
  await simulator.writeCaDevice('hub1', 'gw-1');
});
after(() => simulator.close());

const without = ({ key, cert, thumbprint }: ClientIdentity, index: number): ClientIdentity => ({
  key,
  cert: (cert.match(CERTIFICATE) ?? []).filter((_, place) => place !== index).join(''),
  thumbprint,
});

for (const [what, identity, code, reason] of [
  ['a leaf of a root that the hub trusts, sent alone', () => flat.clientIdentity('gw-1'), 0, undefined],
  ['a leaf with the intermediates below a root that the hub trusts', () => deep.clientIdentity('gw-1'), 0, undefined],
  [
    'a leaf without the intermediate that issued it',
    async () => without(await deep.clientIdentity('gw-1'), 1),
    5,
    'the chain does not reach a CA of this hub',
  ],
  [
    'a leaf without the intermediate above',
    async () => without(await deep.clientIdentity('gw-1'), 2),
    5,
    'the chain does not reach a CA of this hub',
  ],
  [
    'a leaf of a CA that only DPS trusts',
    () => simulator.clientIdentity('gw-1'),
    5,
    'the chain does not reach a CA of this hub',
  ],
  ['a leaf with another CN', () => flat.clientIdentity('gw-2'), 5, 'CN differs from the device id'],
] as const) {
  test(`a device that is known by a CA: ${what} is CONNACK ${code}`, async () => {
    const { connack, client } = await knockAt(simulator, 'gw-1', await identity());
    client.end(true);
    assert.equal(connack, code);
    if (reason) await simulator.log.waitFor({ event: 'connack', code, reason });
  });
}

test('each hub has CAs of its own, and a device that is known by its thumbprint needs none', async () => {
  await simulator.writeDevice('hub1', 'gw-3', (await flat.clientIdentity('gw-3')).thumbprint);
  assert.equal(await admits(simulator, 'gw-3', await flat.clientIdentity('gw-3')), 5);
});
