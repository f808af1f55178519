import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { newRequest } from '../../../simulator/adr/request.ts';
import type { ClientIdentity, Identity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { DEFAULT_SWITCHES } from '../../../simulator/switches.ts';
import { admits, certified, prepare, provisioned, register, Session } from './device.ts';

const LEAF = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/;

let simulator: Simulator;
let onboarding: ClientIdentity;
let leaf: Identity;

before(async () => {
  simulator = await startSimulator();
  await prepare(simulator);
  ({ onboarding, leaf } = await provisioned(simulator, 'gw-1'));
});
after(() => simulator.close());
afterEach(async () => {
  await simulator.set(DEFAULT_SWITCHES);
  leaf = await certified(simulator, 'gw-1', onboarding);
});

for (const [what, revoke] of [
  ['a device that is revoked', () => simulator.revokeDevice('gw-1')],
  ['a CA that is rotated', () => simulator.rotateIntermediate()],
] as const) {
  for (const [revokedAtHub, seen] of [
    ['connack-5', 5],
    ['close', 'closed'],
  ] as const) {
    test(`${what}: no leaf of before opens the hub (${seen}), one more from DPS does`, async () => {
      await simulator.set({ revokedAtHub });
      const older = await certified(simulator, 'gw-1', onboarding);
      await revoke();
      assert.deepEqual([await admits(simulator, 'gw-1', leaf), await admits(simulator, 'gw-1', older)], [seen, seen]);
      assert.equal((await simulator.device('gw-1'))?.status, 'enabled');
      assert.equal(await admits(simulator, 'gw-1', await certified(simulator, 'gw-1', onboarding)), 0);
    });
  }

  for (const revocationEndsSession of [true, false]) {
    test(`${what}: its session ends: ${revocationEndsSession}`, async () => {
      await simulator.set({ revocationEndsSession });
      const session = await Session.open(simulator, 'gw-1', leaf);
      await revoke();
      if (revocationEndsSession) await session.closed;
      else assert.equal(await session.subscribe(), 1);
      await session.leave();
    });
  }
}

test('another device is not touched when one is revoked, and one that is not there cannot be', async () => {
  const { leaf: other } = await provisioned(simulator, 'gw-2');
  await simulator.revokeDevice('gw-1');
  assert.equal(await admits(simulator, 'gw-2', other), 0);
  assert.equal(await admits(simulator, 'gw-1', other), 5);
  await assert.rejects(simulator.revokeDevice('gw-9'), /no device "gw-9"/);
});

test('a policy that is deleted leaves the leaves that it issued', async () => {
  await simulator.deletePolicy('monthly');
  assert.equal(await admits(simulator, 'gw-1', leaf), 0);
  await simulator.createPolicy('monthly');
  await assert.rejects(simulator.createPolicy('monthly'), /is there already/);
  await assert.rejects(simulator.rotateIntermediate('ica-9'), /no CA "ica-9"/);
});

test('a hub that is not linked trusts no CA of the namespace', async () => {
  await simulator.linkHub('hub1', false);
  assert.equal(await admits(simulator, 'gw-1', leaf), 5);
  await simulator.linkHub('hub1', true);
  assert.equal(await admits(simulator, 'gw-1', leaf), 0);
});

for (const [leafAloneAtHub, code] of [
  ['refused', 5],
  ['accepted', 0],
] as const) {
  test(`a leaf without its CA is ${leafAloneAtHub}`, async () => {
    await simulator.set({ leafAloneAtHub });
    const [cert = ''] = LEAF.exec(leaf.cert) ?? [];
    assert.equal(await admits(simulator, 'gw-1', { key: leaf.key, cert }), code);
  });
}

for (const [onboardingLeafAtHub, code] of [
  ['refused', 5],
  ['accepted', 0],
] as const) {
  test(`the onboarding leaf at the hub is ${onboardingLeafAtHub}`, async () => {
    await simulator.set({ onboardingLeafAtHub });
    const issued = await certified(simulator, 'gw-1', onboarding);
    assert.equal(await admits(simulator, 'gw-1', onboarding), code);
    assert.equal(await admits(simulator, 'gw-1', issued), 0);
  });
}

for (const [operationalLeafAtDps, status] of [
  ['refused', 401],
  ['accepted', 200],
] as const) {
  test(`a leaf of the namespace at DPS is ${operationalLeafAtDps}, and one that was revoked is not`, async () => {
    await simulator.set({ operationalLeafAtDps });
    assert.equal((await register(simulator, 'gw-1', leaf)).status, status);
    await simulator.revokeDevice('gw-1');
    assert.equal((await register(simulator, 'gw-1', leaf)).status, 401);
  });
}

for (const [plainRegistration, code] of [
  ['keeps-trust', 0],
  ['writes-thumbprint', 5],
] as const) {
  test(`a registration without a request ${plainRegistration}: the issued leaf is CONNACK ${code}`, async () => {
    await simulator.set({ plainRegistration });
    await register(simulator, 'gw-1', onboarding);
    assert.equal(await admits(simulator, 'gw-1', leaf), code);
  });
}

for (const [dpsIssuesToDisabled, status] of [
  [true, 200],
  [false, 400],
] as const) {
  test(`a device that is disabled in the hub gets a certificate: ${dpsIssuesToDisabled}; the hub refuses it`, async () => {
    await simulator.set({ dpsIssuesToDisabled });
    await simulator.setDeviceStatus('gw-1', 'disabled');
    const { csr } = await newRequest('gw-1');
    const registered = await register(simulator, 'gw-1', onboarding, { csr });
    const admitted = await admits(simulator, 'gw-1', leaf);
    await simulator.setDeviceStatus('gw-1', 'enabled');
    assert.deepEqual([registered.status, admitted], [status, 5]);
  });
}

test('the state of the namespace says who issues, and who holds which leaf', async () => {
  const { authorities, devices, name } = await simulator.namespaceState();
  assert.equal(name, 'newleaf');
  assert.deepEqual(Object.keys(authorities), ['root', 'ica-1']);
  const device = devices.find(({ deviceId }) => deviceId === 'gw-1');
  assert.ok((device?.leaves.length ?? 0) > 1);
  assert.deepEqual(device?.reference, { policy: 'monthly' });
});
