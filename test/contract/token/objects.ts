import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { afterEach, before, beforeEach, test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { csr } from '../../../hsm/csr.ts';
import { destroyKey } from '../../../hsm/destroy.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { type Authority, authority, derOf } from './authority.ts';
import type { Bench } from './bench.ts';
import { freshId } from './fresh-id.ts';

const PUBLIC_KEY = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY };
const PRIVATE_KEY = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY };
const labelled = (value: string) => ({ type: pkcs11js.CKA_LABEL, value });
const FACTORY_ID = Buffer.from([0x0f, 0x00, 0x25]);

/** Certificates, keys that are not ours, and how little is ever destroyed. */
export function objectContract(bench: () => Bench): void {
  let ca: Authority;
  let factory: readonly string[] = [];
  before(() => {
    ca = authority(bench().at.directory);
  });
  beforeEach(() => {
    bench().raw.generate('factory', 'factory', FACTORY_ID);
    factory = bench().raw.inventory();
  });
  afterEach(async () => {
    const { raw, token } = bench();
    // By the session that made them: the other may be another process (p11-kit), and SoftHSM is slow to see what that did.
    for (const label of ['newleaf-a', 'newleaf-b']) {
      for (const { id } of await token.generations(label)) await token.destroy(label, id);
    }
    for (const label of ['factory', 'newleaf-a', 'newleaf-b']) raw.destroy([labelled(label)]);
  });

  const issue = async (key: PublicKey): Promise<Buffer> =>
    derOf(ca.issue(await csr('gw-0001', key, (message) => bench().token.sign(key, message))));

  test('a kept key rolls twice: the next leaf takes the place of the one before, and the token signs and makes keys', async () => {
    const { at, token, raw } = bench();
    const { module, pin } = at;
    const key = await token.generate('newleaf-a', 'ec-p256', freshId());
    assert.deepEqual(await token.certificates(key.id), []);
    let der = await issue(key);
    assert.equal(await token.storeCertificate(key, der), false);
    assert.equal(await token.storeCertificate(key, der), false, 'stored once');
    for (const roll of [1, 2]) {
      der = await issue(key);
      assert.equal(await token.storeCertificate(key, der), true);
      await destroyKey({ module, token: at.token, pin, label: key.label, id: key.id, but: der });
      await token.sign(key, Buffer.of(roll));
    }
    await token.generate('newleaf-b', 'ec-p256', freshId());
    if (at.lacks.includes('sight')) return;
    assert.deepEqual(await token.certificates(key.id), [der]);
    assert.equal(raw.inventory().filter((one) => one.startsWith('certificate newleaf-a')).length, 1);
  });

  test('the stored object carries subject, issuer and serial number in DER', async () => {
    const { token, raw } = bench();
    const key = await token.generate('newleaf-a', 'ec-p256', freshId());
    const der = await issue(key);
    await token.storeCertificate(key, der);
    const [object] = raw.find([{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE }, labelled('newleaf-a')]);
    const read = (type: number) => raw.read(object ?? assert.fail(), type)?.toString('hex') ?? '';
    const certificate = new X509Certificate(der);
    assert.ok(read(pkcs11js.CKA_SUBJECT).includes(Buffer.from('gw-0001').toString('hex')));
    assert.ok(read(pkcs11js.CKA_ISSUER).includes(Buffer.from('Test CA').toString('hex')));
    assert.ok(read(pkcs11js.CKA_SERIAL_NUMBER).endsWith(certificate.serialNumber.toLowerCase()));
  });

  test('destroying one generation leaves the other slot and the factory key alone', async () => {
    const { token, raw } = bench();
    const a = await token.generate('newleaf-a', 'ec-p256', freshId());
    await token.storeCertificate(a, await issue(a));
    const onlyA = raw.inventory();
    const b = await token.generate('newleaf-b', 'ec-p256', freshId());
    await token.storeCertificate(b, await issue(b));
    await token.destroy('newleaf-b', b.id);
    assert.deepEqual(raw.inventory(), onlyA);
    await token.destroy('newleaf-b', b.id);
    assert.deepEqual(raw.inventory(), onlyA, 'absent is success');
    await token.destroy('newleaf-a', a.id);
    assert.deepEqual(raw.inventory(), factory);
  });

  test('a label tells what it is on, and nothing that is part of another key', async () => {
    const { token, raw } = bench();
    assert.deepEqual(await token.generations('newleaf-a'), []);
    const key = await token.generate('newleaf-a', 'ec-p256', freshId());
    await token.storeCertificate(key, await issue(key));
    assert.deepEqual(await token.generations('newleaf-a'), [{ id: key.id, protection: await token.describe(key) }]);
    raw.generate('factory', 'newleaf-b', Buffer.of(1, 2));
    assert.deepEqual(await token.generations('newleaf-b'), [], 'the public half of somebody else');
  });

  test('a child destroys a key while this process goes on with the others', async () => {
    const { at, token, raw } = bench();
    const before = await token.generate('newleaf-a', 'ec-p256', freshId());
    const retired = await token.generate('newleaf-b', 'ec-p256', freshId());
    await token.storeCertificate(retired, await issue(retired));
    const { module, pin } = at;
    const request = { module, token: at.token, pin, label: retired.label, id: retired.id };
    const destroyed = destroyKey(request);
    await token.sign(before, Buffer.of(1));
    await destroyed;
    token.forget(retired.id);
    assert.equal(await token.find('newleaf-b'), undefined);
    await destroyKey(request);
    await token.sign(before, Buffer.of(1));
    await token.generate('newleaf-b', 'ec-p256', freshId());
    if (at.lacks.includes('sight')) return;
    assert.ok(!raw.inventory().some((one) => one.includes(retired.id)));
  });

  test('a key that another process has destroyed is gone for us, even where the module goes on to show it', async () => {
    const { token, raw } = bench();
    const shown = await token.generate('newleaf-a', 'ec-p256', freshId());
    const all = raw.inventory();
    token.forget(shown.id);
    assert.equal(await token.find('newleaf-a'), undefined);
    assert.equal(await token.findById(shown.id), undefined);
    await assert.rejects(token.sign(shown, Buffer.of(1)), { kind: 'key', code: 'KEY_NOT_FOUND' });
    const { id } = await token.generate('newleaf-a', 'ec-p256', freshId());
    assert.equal((await token.find('newleaf-a'))?.id, id);
    assert.deepEqual(raw.inventory(), [...all, `private newleaf-a ${id}`, `public newleaf-a ${id}`].sort());
  });

  for (const [label, id] of [
    ['newleaf-a', ''],
    ['', '01'],
    ['newleaf-a', 'zz'],
    ['newleaf-a', FACTORY_ID.toString('hex')],
    ['factory', '01'],
  ] as const) {
    test(`nothing is destroyed for label "${label}" and id "${id}"`, async () => {
      const { token, raw } = bench();
      await token.generate('newleaf-a', 'ec-p256', freshId());
      const all = raw.inventory();
      await token.destroy(label, id).catch((error) => assert.equal(error.code, 'LABEL_AND_ID_REQUIRED'));
      assert.deepEqual(raw.inventory(), all);
    });
  }

  test('a public key that a power cut left alone is removed when the key is made again', async () => {
    const { token, raw } = bench();
    const id = freshId();
    raw.generate('newleaf-a', 'newleaf-a', Buffer.from(id, 'hex'));
    raw.destroy([PRIVATE_KEY, labelled('newleaf-a')]);
    await token.generate('newleaf-a', 'ec-p256', id);
    assert.deepEqual(raw.inventory(), [...factory, `private newleaf-a ${id}`, `public newleaf-a ${id}`].sort());
  });

  for (const [what, privateLabel, leaveAlone] of [
    ['a private key', 'newleaf-a', false],
    ['a public key whose private half has another label', 'newleaf-b', false],
    ['a public key without a private half', 'newleaf-a', true],
  ] as const) {
    test(`${what} with our label and another CKA_ID is named, and not ours to remove`, async () => {
      const { token, raw } = bench();
      raw.generate(privateLabel, 'newleaf-a', Buffer.from([0xee]));
      if (leaveAlone) raw.destroy([PRIVATE_KEY, labelled('newleaf-a')]);
      const all = raw.inventory();
      await assert.rejects(token.generate('newleaf-a', 'ec-p256', freshId()), {
        kind: 'occupied',
        code: 'LABEL_OCCUPIED',
        message:
          /already holds a (private|public) key \(label "newleaf-a", CKA_ID ee\), and the records of newleaf do not say that newleaf made it\.$/,
      });
      assert.deepEqual(raw.inventory(), all);
    });
  }

  test('a CKA_ID that a private key has is not given a second time, under whatever label', async () => {
    const { token, raw } = bench();
    const all = raw.inventory();
    const made = token.generate('newleaf-a', 'ec-p256', FACTORY_ID.toString('hex'));
    await assert.rejects(made, { code: 'LABEL_OCCUPIED', message: /label "factory", CKA_ID 0f0025/ });
    assert.deepEqual(raw.inventory(), all);
  });

  test('a factory key is found by URI, and by nothing that does not fit', async () => {
    const { at, token } = bench();
    const key = await token.findByUri(`pkcs11:token=${at.token};object=factory`);
    assert.deepEqual([key.label, key.id], ['factory', FACTORY_ID.toString('hex')]);
    assert.deepEqual(await token.findByUri('pkcs11:id=%0F%00%25'), key);
    await token.sign(key, Buffer.of(1));
    for (const uri of ['pkcs11:object=other', 'pkcs11:token=other;object=factory', 'pkcs11:object=factory;id=%01']) {
      await assert.rejects(token.findByUri(uri), { kind: 'key', code: 'KEY_NOT_FOUND' }, uri);
    }
    await token.generate('newleaf-a', 'ec-p256', freshId());
    await assert.rejects(token.findByUri('pkcs11:type=private'), { kind: 'key', code: 'KEY_AMBIGUOUS' });
  });

  test('a key without its public object is known by its certificate, and without either it is refused', async (t) => {
    const { at, token, raw } = bench();
    if (at.lacks.includes('halves')) return t.skip('the module keeps both halves as one');
    const key = await token.findByUri('pkcs11:object=factory');
    const der = await issue(key);
    raw.destroy([PUBLIC_KEY, labelled('factory')]);
    await assert.rejects(token.find('factory'), { kind: 'key', code: 'PUBLIC_KEY_NOT_FOUND' });
    await token.storeCertificate(key, der);
    assert.deepEqual(await token.find('factory'), key);
  });
}
