import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { FaultName, FaultOptions } from '../../simulator/faults.ts';
import { validAt } from '../../simulator/presented.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type Answer, askEst, certificatesIn, csr } from './est-client.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const HOUR = 3_600_000;

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

const enroll = (): Promise<Answer> => askEst(simulator.endpoints, 'simpleenroll', { body: csr('gw-1'), basic: true });

async function issued(): Promise<X509Certificate> {
  const [leaf] = certificatesIn((await enroll()).body);
  assert.ok(leaf);
  return leaf;
}

const answers: readonly [FaultName, FaultOptions, number, string | undefined][] = [
  ['est-wait', { retryAfter: '30' }, 202, '30'],
  ['est-wait', {}, 202, '1'],
  ['est-status', { status: 401 }, 401, undefined],
  ['est-status', { status: 403 }, 403, undefined],
  ['est-status', { status: 503, retryAfter: '120' }, 503, '120'],
];
for (const [name, options, status, retryAfter] of answers) {
  test(`${name} ${JSON.stringify(options)}, once`, async () => {
    await simulator.lay('est', name, { ...options, times: 1 });
    const answer = await enroll();
    assert.equal(answer.status, status);
    assert.equal(answer.headers['retry-after'], retryAfter);
    assert.equal((await enroll()).status, 200);
  });
}

test('est-status for one CN lets the others in', async () => {
  await simulator.lay('est', 'est-status', { status: 403, cn: 'gw-2', times: 1 });
  assert.equal((await enroll()).status, 200);
  const other = () => askEst(simulator.endpoints, 'simpleenroll', { body: csr('gw-2'), basic: true });
  assert.equal((await other()).status, 403);
  assert.equal((await other()).status, 200);
});

test('est-garbage is 200 without a PKCS#7', async () => {
  await simulator.lay('est', 'est-garbage', { times: 1 });
  const { status, body } = await enroll();
  assert.equal(status, 200);
  assert.throws(() => certificatesIn(body));
});

test('est-hang never answers', async () => {
  await simulator.lay('est', 'est-hang', { times: 1 });
  const hanging = enroll().catch((error) => error.code);
  await simulator.log.waitFor({ event: 'fault', reason: 'est-hang' });
  await simulator.lay('est', 'port-closed');
  await simulator.lift('est');
  assert.equal(await hanging, 'ECONNRESET');
});

const misissued: readonly [FaultName, FaultOptions, (leaf: X509Certificate) => void][] = [
  ['est-cn', {}, ({ subject }) => assert.equal(subject, 'CN=somebody-else')],
  ['est-cn', { cn: 'gw-2' }, ({ subject }) => assert.equal(subject, 'CN=gw-2')],
  ['est-eku', {}, ({ keyUsage }) => assert.deepEqual(keyUsage, [SERVER_AUTH])],
  ['est-lifetime', { ms: HOUR }, (leaf) => assert.ok(validAt(leaf, Date.now()) && !validAt(leaf, Date.now() + HOUR))],
  ['est-lifetime', { ms: -HOUR }, (leaf) => assert.ok(!validAt(leaf, Date.now()))],
  ['est-not-yet', { ms: HOUR }, (leaf) => assert.ok(!validAt(leaf, Date.now()) && validAt(leaf, Date.now() + HOUR))],
];
for (const [name, options, check] of misissued) {
  test(`${name} ${JSON.stringify(options)}`, async () => {
    await simulator.lay('est', name, { ...options, times: 1 });
    check(await issued());
    const { subject, keyUsage } = await issued();
    assert.deepEqual([subject, keyUsage], ['CN=gw-1', [CLIENT_AUTH]]);
  });
}

test('est-key issues for another key', async () => {
  await simulator.lay('est', 'est-key', { times: 1 });
  const body = csr('gw-1');
  const ask = async () => {
    const [leaf] = certificatesIn((await askEst(simulator.endpoints, 'simpleenroll', { body, basic: true })).body);
    return leaf?.publicKey.export({ type: 'spki', format: 'pem' });
  };
  assert.notEqual(await ask(), await ask());
  assert.equal(await ask(), await ask());
});

test('est-weak signs with SHA-1', async () => {
  await simulator.lay('est', 'est-weak', { times: 1 });
  // The OID of ecdsa-with-SHA1, 1.2.840.10045.4.1; Node 20 shows no signature algorithm.
  const sha1 = Buffer.from([0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]);
  assert.ok((await issued()).raw.includes(sha1));
  assert.ok(!(await issued()).raw.includes(sha1));
});

test('a standing policy, and the chain where the switch asks for it', async () => {
  await simulator.setPolicy({ lifetimeMs: HOUR });
  assert.ok(!validAt(await issued(), Date.now() + HOUR));
  await simulator.set({ estSendsChain: true });
  assert.equal(certificatesIn((await enroll()).body).length, 2);
});
