import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type Ask, askEst, certificatesIn, csr } from './est-client.ts';

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

const ask = (operation: string, asked?: Ask) => askEst(simulator.endpoints, operation, asked);

for (const tls of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`cacerts gives the issuer and the root, in lines of 64 (${tls})`, async () => {
    const { status, headers, body } = await ask('cacerts', { tls });
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
    assert.ok(body.split('\n').every((line) => line.length <= 64));
    const { issuerPem, estCaPem } = simulator.endpoints;
    const expected = [issuerPem, estCaPem].map((pem) => new X509Certificate(pem).fingerprint256).sort();
    assert.deepEqual(
      certificatesIn(body)
        .map(({ fingerprint256 }) => fingerprint256)
        .sort(),
      expected,
    );
  });
}

for (const algorithm of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
  test(`simpleenroll by HTTP Basic signs a request of openssl (${algorithm})`, async () => {
    const { status, body } = await ask('simpleenroll', { body: csr('gw-est', algorithm), basic: true });
    assert.equal(status, 200);
    const [leaf, ...more] = certificatesIn(body);
    assert.deepEqual(more, []);
    assert.equal(leaf?.subject, 'CN=gw-est');
    assert.ok(leaf?.verify(new X509Certificate(simulator.endpoints.issuerPem).publicKey));
    assert.ok(Date.parse(leaf?.validFrom ?? '') < Date.now() - 4 * 60_000, 'backdated');
  });
}

test('simpleenroll by a bootstrap certificate', async () => {
  const identity = await simulator.bootstrapIdentity('factory');
  const { status } = await ask('simpleenroll', { body: csr('gw-est'), identity });
  assert.equal(status, 200);
});

test('simpleenroll without credentials is challenged', async () => {
  const { status, headers } = await ask('simpleenroll', { body: csr('gw-est') });
  assert.equal(status, 401);
  assert.equal(headers['www-authenticate'], 'Basic realm="est"');
});

test('simplereenroll keeps the subject, and a rolled CA still renews the old leaves', async () => {
  const identity = await simulator.clientIdentity('gw-est');
  assert.equal((await ask('simplereenroll', { body: csr('gw-est'), identity })).status, 200);
  assert.equal((await ask('simplereenroll', { body: csr('gw-other'), identity })).status, 400);
  const issuer = new X509Certificate(await simulator.rollIssuer('root'));
  const [leaf] = certificatesIn((await ask('simplereenroll', { body: csr('gw-est'), identity })).body);
  assert.ok(leaf?.verify(issuer.publicKey));
});

for (const [name, policy, presented] of [
  ['expired', { lifetimeMs: -60_000 }, 'clientIdentity'],
  ['foreign', {}, 'bootstrapIdentity'],
] as const) {
  test(`simplereenroll with a certificate that is ${name} is refused`, async () => {
    const identity = await simulator[presented]('gw-est', policy);
    assert.equal((await ask('simplereenroll', { body: csr('gw-est'), identity })).status, 401);
  });
}
