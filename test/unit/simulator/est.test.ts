import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import type { Identity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Ask {
  readonly body?: string;
  readonly identity?: Identity;
  readonly basic?: boolean;
  readonly tls?: 'TLSv1.2' | 'TLSv1.3';
}

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

function ask(operation: string, { body, identity, basic, tls }: Ask = {}): Promise<Answer> {
  const { est, estCaPem, estUsername, estPassword } = simulator.endpoints;
  return new Promise((resolve, reject) => {
    const call = request(`${est}/${operation}`, {
      method: body === undefined ? 'GET' : 'POST',
      ca: estCaPem,
      agent: false,
      headers: { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' },
      ...identity,
      ...(basic && { auth: `${estUsername}:${estPassword}` }),
      ...(tls && { minVersion: tls, maxVersion: tls }),
    });
    call.once('error', reject);
    call.once('response', async (response) => {
      const chunks: Buffer[] = await response.toArray();
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
    });
    call.end(body);
  });
}

const openssl = (args: string[], input: string): string =>
  execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });

const algorithms = {
  'ec-p256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'ec-p384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'rsa-2048': ['-newkey', 'rsa:2048'],
};

/** Base64 of a PKCS#10 in lines of 64, made by openssl. */
function csr(cn: string, algorithm: keyof typeof algorithms = 'ec-p256'): string {
  const made = openssl(
    ['req', '-new', ...algorithms[algorithm], '-nodes', '-keyout', '/dev/null', '-subj', `/CN=${cn}`],
    '',
  );
  return made.replaceAll(/-----.*-----\n/g, '');
}

/** The certificates in a base64 PKCS#7, as openssl reads them. */
function certificatesIn(body: string): X509Certificate[] {
  const pem = `-----BEGIN PKCS7-----\n${body}-----END PKCS7-----\n`;
  const text = openssl(['pkcs7', '-print_certs'], pem);
  return [...text.matchAll(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g)].map(
    ([found]) => new X509Certificate(found),
  );
}

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
