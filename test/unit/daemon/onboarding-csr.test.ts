import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import { onWire } from '../../../agent/ask/wire.ts';
import type { DaemonOptions } from '../../../agent/daemon/options.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { current, Disk, gateway, serving } from './gateway.ts';

const told = { thumbprint: 'T', issuer: 'CN=CA', notAfter: '2027-01-01T00:00:00.000Z' };

const certificate = {
  csr: async () => 'CSR',
  lack: async () => undefined,
  install: async () => ({ ...current, thumbprint: 'F' }),
};
const CSR: Ask = { kind: 'onboarding-csr' };
const INSTALL: Ask = { kind: 'install-onboarding', from: 'technician', delivered: Buffer.from('PEM') };

/** The status of the answer, and its body as text. */
async function asked(t: TestContext, ask: Ask, onboarding?: DaemonOptions['onboarding']) {
  const { daemon } = await gateway(t, new Disk(serving), {}, onboarding && { onboarding });
  const { status, body } = await onWire(daemon.answer)(ask);
  return { status, said: JSON.stringify(body) };
}

test('another onboarding certificate: what DPS is shown from now on, or why it is not taken', async (t) => {
  const refused = new Fault('NL-LEAF-CN');
  const rows: readonly (readonly [install: typeof certificate.install, status: number, said: RegExp])[] = [
    [certificate.install, 200, /"thumbprint":"F","notAfter":"20\d\d-.*Z"/],
    [() => Promise.reject(refused), 400, /"code":"NL-LEAF-CN"/],
    [() => Promise.reject(new Fault('NL-STATE-WRITE')), 500, /"code":"NL-STATE-WRITE"/],
  ];
  for (const [install, status, said] of rows) {
    const answer = await asked(t, INSTALL, { told, requests: 0, certificate: { ...certificate, install } });
    assert.equal(answer.status, status);
    assert.match(answer.said, said);
  }
});

test('a CSR for the onboarding key: made by the token, or why there is none', async (t) => {
  const rows: readonly (readonly [csr: (cn: string) => Promise<string>, status: number, said: RegExp])[] = [
    [async (cn) => `CSR of ${cn}`, 200, /"csr":"CSR of gw-1","slot":"given","cn":"gw-1"/],
    [() => Promise.reject(new Fault('NL-ONBOARDING-KEY')), 500, /"code":"NL-ONBOARDING-KEY"/],
  ];
  for (const [csr, status, said] of rows) {
    const answer = await asked(t, CSR, { told, requests: 0, certificate: { ...certificate, csr } });
    assert.equal(answer.status, status);
    assert.match(answer.said, said);
  }
});

test('where Azure does not issue the leaves, there is no such key', async (t) => {
  const { status, said } = await asked(t, CSR);
  assert.equal(status, 400);
  assert.match(said, /There is no onboarding key: leaf\.issuer is not \\"azure\\"/);
});
