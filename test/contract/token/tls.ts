import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { SecureVersion, Server } from 'node:tls';
import { csr } from '../../../hsm/csr.ts';
import { destroyKey } from '../../../hsm/destroy.ts';
import { tokenErrorOf } from '../../../hsm/engine.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import { type Identity, TokenConnectors } from '../../../hsm/tls.ts';
import { prepareTls, type TlsWay } from '../../../hsm/tls-way.ts';
import { tokenApart } from '../../../hsm/token-apart.ts';
import { type Authority, authority } from './authority.ts';
import type { Bench } from './bench.ts';
import { dial, farSide } from './far-side.ts';
import { freshId } from './fresh-id.ts';
import { collectGarbage } from './garbage.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const serialOf = (chain: string): string => new X509Certificate(chain).serialNumber;
const ABSENT = 'ab'.repeat(16);
const LIMIT_MS = 60_000;

/** Client authentication with a key in the token. */
export function tlsContract(bench: () => Bench, keyTypes: readonly KeyType[], way: TlsWay): void {
  let ca: Authority;
  let far: Server;
  let connectors: TokenConnectors;
  before(async () => {
    const { at, token } = bench();
    const helped = await prepareTls({ module: at.module, tls: way });
    connectors = new TokenConnectors(token, at.pin, at.directory, helped);
    ca = authority(at.directory);
    far = await farSide(ca);
  });
  after(() => far.close());

  /** What the far side has seen. */
  const dialled = async (leaf: Identity) => dial(far, await connectors.connector(leaf));
  const seen = ({ chain }: Identity, version: SecureVersion = 'TLSv1.3') => `${version} ${serialOf(chain)}`;
  const issue = async (key: PublicKey) => ca.issue(await csr('gw', key, (message) => bench().token.sign(key, message)));
  /** The two keys of a kind are made once: a TPM has no room for more, and opencryptoki 3.23 gives their handles away again. */
  const identity = async (slot: 'a' | 'b', keyType: KeyType = 'ec-p256') => {
    const { token } = bench();
    const label = `${keyType}-${slot}`;
    const key = (await token.find(label)) ?? (await token.generate(label, keyType, freshId()));
    return { key, id: key.id, chain: await issue(key), ca: ca.ca };
  };
  after(async () => {
    const { token } = bench();
    for (const label of keyTypes.flatMap((keyType) => [`${keyType}-a`, `${keyType}-b`])) {
      const key = await token.find(label);
      if (key !== undefined) await token.destroy(label, key.id);
    }
  });

  // With the engine, the first context of the process: here libp11 would finalise the module, were there no keeper.
  test('a leaf of another key is refused, and that does not take the module from us', async () => {
    const { token } = bench();
    const leaf = await identity('a');
    const other = await identity('b');
    const refusal = { name: 'TokenError', kind: 'key', code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' };
    await assert.rejects(dialled({ ...leaf, chain: other.chain }), refusal);
    await collectGarbage();
    await token.sign(leaf.key, Buffer.of(1));
    assert.equal(await dialled(leaf), seen(leaf));
  });

  test('a connector for a key that is not there is refused before OpenSSL is asked', async () => {
    const leaf = await identity('a');
    const refusal = { name: 'TokenError', kind: 'key', code: 'KEY_NOT_FOUND' };
    await assert.rejects(connectors.connector({ ...leaf, id: ABSENT }), refusal);
  });

  for (const keyType of keyTypes) {
    for (const version of VERSIONS) {
      test(`${keyType} authenticates in ${version}, again and again, whatever the GC takes away`, async () => {
        const leaf = await identity('a', keyType);
        const other = await identity('b', keyType);
        const isPkcs1 = way === 'helper' && keyType.startsWith('rsa') && bench().at.lacks.includes('pss');
        for (const one of [leaf, other, leaf, other]) {
          assert.equal(await dialled({ ...one, maxVersion: version }), seen(one, isPkcs1 ? 'TLSv1.2' : version));
          await collectGarbage();
        }
      });
    }
  }

  test('a key that a job makes is shown, signs and authenticates; or this process says that only a restart shows it', async () => {
    const { at, token } = bench();
    const limitMs = { make: LIMIT_MS, other: LIMIT_MS };
    const made = { module: at.module, token: token.name, pin: async () => at.pin, pinRecord: at.directory };
    const apart = tokenApart({ ...made, limitMs });
    const [label, id] = ['made-apart', freshId()];
    try {
      const key = await apart.generate(label, 'ec-p256', id);
      const chain = ca.issue(await csr('gw', key, (message) => apart.sign(key, message)));
      const leaf = { id, chain, ca: ca.ca };
      if (at.lacks.includes('sight'))
        await assert.rejects(token.findMade(id), { kind: 'poisoned', code: 'KEY_UNSEEN' });
      else {
        assert.deepEqual(await token.findMade(id), key);
        assert.equal(await dialled(leaf), seen(leaf));
      }
      assert.equal(await apart.storeCertificate(key, new X509Certificate(chain).raw), false);
      apart.forget(id);
      assert.deepEqual(await apart.findById(id), key);
      assert.equal((await apart.certificates(id)).length, 1);
    } finally {
      apart.forget(id);
      await destroyKey({ ...made, token: at.token, pin: at.pin, label, id });
      token.forget(id);
    }
  });

  test('the newest connectors are kept, older ones are not', { skip: way === 'helper' && 'none is kept' }, async () => {
    const [a, b] = [await identity('a'), await identity('b')];
    const [one, two] = [await connectors.connector(a), await connectors.connector(b)];
    assert.equal(await connectors.connector(a), one);
    assert.equal(await connectors.connector(b), two);
    assert.notEqual(await connectors.connector({ ...b, chain: await issue(b.key) }), two);
    assert.equal(await connectors.connector(b), two);
    assert.notEqual(await connectors.connector(a), one);
  });

  test('what is no certificate is refused in words, and connecting still works', async () => {
    const leaf = await identity('a');
    await assert.rejects(dialled({ ...leaf, chain: 'no certificate' }), { name: 'TokenError', kind: 'failed' });
    assert.equal(await dialled(leaf), seen(leaf));
  });

  test('a handshake with a key that was destroyed is known as a fault of the token, not of the network', async () => {
    const { token } = bench();
    const leaf = await identity('a');
    const made = await Promise.all(VERSIONS.map((maxVersion) => connectors.connector({ ...leaf, maxVersion })));
    await token.destroy(leaf.key.label, leaf.id);
    for (const connector of made) {
      const error: unknown = await dial(far, connector).then(assert.fail, (why: unknown) => why);
      const found = tokenErrorOf(error);
      assert.equal(found?.kind, 'key', String(error));
      assert.match(found.code, way === 'engine' ? /^CKR_(OBJECT|KEY)_HANDLE_INVALID$/ : /^KEY_NOT_FOUND$/);
    }
    assert.equal(tokenErrorOf(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })), undefined);
    await assert.rejects(connectors.connector(leaf), { kind: 'key', code: 'KEY_NOT_FOUND' });
  });
}
