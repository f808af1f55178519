import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { csr } from '../../../hsm/csr.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { type Judged, type Openssl, type TokenApart, tokenApart } from '../../../hsm/token-apart.ts';
import { withEnvironment } from '../../put-back.ts';
import { type Authority, authority } from '../token/authority.ts';
import { type Bench, openBench } from '../token/bench.ts';
import { freshId } from '../token/fresh-id.ts';
import { softHsm } from '../token/softhsm.ts';
import { type Call, faulty, rv } from './faulty.ts';

const at = faulty(softHsm());
withEnvironment(at.environment);
/** More than a process needs to begin, on a machine that is busy with other tests. */
const LIMIT_MS = 4_000;
const FOR_EVER_MS = 1e9;
let bench: Bench;
let apart: TokenApart & Openssl;
let key: PublicKey;
let der: Buffer;
let ca: Authority;
let shown: Omit<Judged, 'tls'>;

// The daemon does not wait for such a process at its end, and has other things to wait for.
const held = setInterval(() => {}, 1_000);

before(async () => {
  bench = await openBench(at);
  const { token } = bench;
  const pin = async () => at.pin;
  const limitMs = { make: LIMIT_MS, other: LIMIT_MS };
  apart = tokenApart({ module: at.module, token: token.name, pin, pinRecord: at.directory, limitMs });
  key = await apart.generate('newleaf-a', 'ec-p256', freshId());
  await token.findMade(key.id);
  ca = authority(at.directory);
  const chain = ca.issue(await csr('gw', key, (tbs) => apart.sign(key, tbs)));
  der = new X509Certificate(chain).raw;
  shown = { id: key.id, chain, anchor: ca.ca, directory: at.directory };
});
beforeEach(() => at.heal());
after(() => {
  clearInterval(held);
  at.remove();
});

/** Fulfilled when the module has been called so, by whatever process. */
async function called(call: Call): Promise<void> {
  while (at.calls(call) === 0) await pause(20);
}

const works: readonly (readonly [Call, string, () => Promise<unknown>])[] = [
  ['C_GenerateKeyPair', 'Generating a key', () => apart.generate('newleaf-b', 'ec-p256', freshId())],
  ['C_Sign', 'Signing', () => apart.sign(key, Buffer.from('a CSR'))],
  ['C_CreateObject', 'Storing a certificate', () => apart.storeCertificate(key, der)],
  ['C_Sign', 'Showing the next leaf to OpenSSL', () => apart.judge({ ...shown, tls: 'engine' })],
];

for (const [call, doing, work] of works) {
  test(`${doing}: a module that hangs in ${call} is ended in its process, and this one signs meanwhile and afterwards`, async () => {
    at.delay(call, FOR_EVER_MS);
    const hanging = work();
    hanging.catch(() => {});
    await called(call);
    // Other processes do not hang in it.
    at.heal();
    for (let times = 0; times < 3; times += 1) await bench.token.sign(key, Buffer.of(times));
    const message = `${doing}: nothing happened for ${LIMIT_MS / 1000} s, and its process was killed.`;
    await assert.rejects(hanging, { kind: 'hung', code: 'CHILD_TIMEOUT', isLasting: true, message });
    await bench.token.sign(key, Buffer.of(9));
    await work();
  });
}

for (const tls of ['engine', 'helper'] as const) {
  test(`${tls}: OpenSSL judges a chain by the key in the token; one that does not sign is no fault of the chain`, async () => {
    assert.equal(await apart.judge({ ...shown, tls }), undefined);
    assert.equal(await apart.judge({ ...shown, tls, anchor: shown.chain }), undefined, 'its issuer is not delivered');
    const { ca: anchor } = authority(at.directory);
    assert.match(`${await apart.judge({ ...shown, tls, anchor })}`, /^UNABLE_TO_/);
    at.spoil();
    await assert.rejects(apart.judge({ ...shown, tls }), { name: 'TokenError', code: 'SIGNATURE_WRONG' });
    at.heal();
    assert.equal(await apart.judge({ ...shown, tls }), undefined);
  });
}

test('an error that means a lost state is that of its process alone', async () => {
  at.answer('C_Sign', rv('CKR_GENERAL_ERROR'));
  const lasting = { kind: 'failed', code: 'CKR_GENERAL_ERROR', isLasting: true };
  await assert.rejects(apart.sign(key, Buffer.of(1)), lasting, 'a new process has met it, so no restart heals it');
  await apart.sign(key, Buffer.of(1));
});

test('a key that is made again by another process is shown, though this one was told that it is gone', async () => {
  const { token } = bench;
  const made = await apart.generate('newleaf-c', 'ec-p256', freshId());
  await token.findMade(made.id);
  token.forget(made.id);
  assert.equal(await token.findById(made.id), undefined);
  assert.deepEqual(await token.findMade(made.id), made);
  const unseen = { kind: 'poisoned', code: 'KEY_UNSEEN' };
  await assert.rejects(token.findMade(freshId()), unseen);
});
