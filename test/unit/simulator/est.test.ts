import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type Ask, askEst, certificatesIn, csr } from '../../clients/est.ts';
import { staged } from './stage.ts';

const CN = 'gw-est';
const { simulator } = await staged();
const identities = {
  own: await simulator.clientIdentity(CN),
  expired: await simulator.clientIdentity(CN, { lifetimeMs: -60_000 }),
  bootstrap: await simulator.bootstrapIdentity('factory'),
};

const ask = (operation: string, asked: Ask = { body: csr(CN) }) => askEst(simulator.endpoints, operation, asked);
const issuedBy = async (issuerPem: string, asked: Ask): Promise<void> => {
  const { status, body } = await ask('simplereenroll', asked);
  assert.equal(status, 200);
  const [leaf, ...more] = certificatesIn(body);
  assert.ok(leaf?.verify(new X509Certificate(issuerPem).publicKey) && more.length === 0);
  assert.equal(leaf?.subject, `CN=${CN}`);
};

test('who may enroll, and who may renew', async () => {
  for (const [operation, who, expected] of [
    ['simpleenroll', 'basic', 200],
    ['simpleenroll', 'bootstrap', 200],
    ['simpleenroll', 'own', 200],
    ['simpleenroll', 'nobody', 401],
    ['simpleenroll', 'expired', 401],
    ['simplereenroll', 'own', 200],
    ['simplereenroll', 'expired', 401],
    ['simplereenroll', 'bootstrap', 401],
    ['simplereenroll', 'basic', 401],
  ] as const) {
    const identity = who === 'basic' || who === 'nobody' ? {} : { identity: identities[who] };
    const { status, headers } = await ask(operation, { body: csr(CN), basic: who === 'basic', ...identity });
    assert.equal(status, expected, `${operation} by ${who}`);
    assert.equal(headers['www-authenticate'], status === 401 ? 'Basic realm="est"' : undefined);
  }
});

test('a renewal keeps the subject, and leaves of before a roll of the CA may still renew', async () => {
  const identity = identities.own;
  await issuedBy(simulator.endpoints.issuerPem, { body: csr(CN), identity });
  assert.equal((await ask('simplereenroll', { body: csr('gw-other'), identity })).status, 400);
  await issuedBy(await simulator.rollIssuer('root'), { body: csr(CN), identity });
});

// RFC 7030 section 4.1.3, and the lines of MIME.
test('the CAs and leaves are a PKCS#7 of certificates alone, in lines of 64', async () => {
  const { headers, body } = await ask('cacerts', {});
  assert.equal(headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
  assert.ok(body.split('\n').every((line) => line.length <= 64));
  assert.ok(certificatesIn(body).length >= 2);
});
