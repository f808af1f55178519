import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { SecureVersion, Server } from 'node:tls';
import { csr } from '../../../hsm/csr.ts';
import { prepareEngine, tokenErrorOf } from '../../../hsm/engine.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import { TokenContexts } from '../../../hsm/tls.ts';
import { type Authority, authority } from './authority.ts';
import type { Bench } from './bench.ts';
import { dial, farSide } from './far-side.ts';
import { freshId } from './fresh-id.ts';
import { collectGarbage } from './garbage.ts';
import { signers } from './signer.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const serialOf = (chain: string): string => new X509Certificate(chain).serialNumber;
const ABSENT = 'ab'.repeat(16);

/** Client authentication with a key in the token. */
export function tlsContract(bench: () => Bench, keyTypes: readonly KeyType[]): void {
  let ca: Authority;
  let far: Server;
  let contexts: TokenContexts;
  before(async () => {
    const { at, token } = bench();
    prepareEngine(at.module);
    contexts = new TokenContexts(token, at.pin, at.directory);
    ca = authority(at.directory);
    far = await farSide(ca);
  });
  after(() => far.close());

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

  // The first context of the process: here libp11 would finalise the module, were there no keeper.
  test('a first context that fails does not take the module from us', async () => {
    const { token } = bench();
    const leaf = await identity('a');
    const other = await identity('b');
    const refusal = { name: 'TokenError', kind: 'key', code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' };
    await assert.rejects(contexts.context({ ...leaf, chain: other.chain }), refusal);
    await collectGarbage();
    await token.sign(leaf.key, Buffer.of(1));
    assert.equal(await dial(far, await contexts.context(leaf), 'TLSv1.3'), serialOf(leaf.chain));
  });

  test('a context for a key that is not there is refused before OpenSSL is asked', async () => {
    const leaf = await identity('a');
    const refusal = { name: 'TokenError', kind: 'key', code: 'KEY_NOT_FOUND' };
    await assert.rejects(contexts.context({ ...leaf, id: ABSENT }), refusal);
  });

  for (const keyType of keyTypes) {
    for (const version of VERSIONS) {
      test(`${keyType} authenticates in ${version}, again and again, whatever the GC takes away`, async () => {
        const leaf = await identity('a', keyType);
        const other = await identity('b', keyType);
        for (const one of [leaf, other, leaf, other]) {
          assert.equal(await dial(far, await contexts.context(one), version), serialOf(one.chain));
          await collectGarbage();
        }
      });
    }
  }

  test('a key that another process makes is found, signs and authenticates', async (t) => {
    const { at, token } = bench();
    const label = 'made-elsewhere';
    const other = await signers(t, at, label);
    const has = await other().hears();
    assert.match(has, /^has /);
    const key = await token.find(label);
    if (at.lacks.includes('sight')) {
      assert.equal(key, undefined);
      const next = other();
      assert.deepEqual([await next.hears(), await next.asked('sign')], [has, 'signed']);
      return;
    }
    assert.ok(key !== undefined && has.endsWith(key.id));
    const chain = await issue(key);
    assert.equal(await dial(far, await contexts.context({ id: key.id, chain, ca: ca.ca }), 'TLSv1.3'), serialOf(chain));
    await token.destroy(label, key.id);
  });

  test('the newest contexts are kept, older ones are not', async () => {
    const [a, b] = [await identity('a'), await identity('b')];
    const [one, two] = [await contexts.context(a), await contexts.context(b)];
    assert.equal(await contexts.context(a), one);
    assert.equal(await contexts.context(b), two);
    assert.notEqual(await contexts.context({ ...b, chain: await issue(b.key) }), two);
    assert.equal(await contexts.context(b), two);
    assert.notEqual(await contexts.context(a), one);
  });

  test('what is no certificate is refused in words, and connecting still works', async () => {
    const leaf = await identity('a');
    await assert.rejects(contexts.context({ ...leaf, chain: 'no certificate' }), {
      name: 'TokenError',
      kind: 'failed',
    });
    assert.equal(await dial(far, await contexts.context(leaf), 'TLSv1.3'), serialOf(leaf.chain));
  });

  test('a handshake with a key that was destroyed is known as a fault of the token, not of the network', async () => {
    const { token } = bench();
    const leaf = await identity('a');
    const context = await contexts.context(leaf);
    await token.destroy(leaf.key.label, leaf.id);
    for (const version of VERSIONS) {
      const error: unknown = await dial(far, context, version).then(assert.fail, (why: unknown) => why);
      const found = tokenErrorOf(error);
      assert.equal(found?.kind, 'key', String(error));
      assert.match(found.code, /^CKR_(OBJECT|KEY)_HANDLE_INVALID$/);
    }
    assert.equal(tokenErrorOf(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })), undefined);
    await assert.rejects(contexts.context(leaf), { kind: 'key', code: 'KEY_NOT_FOUND' });
  });
}
