import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTpm, type TpmErrorKind } from '../../../hsm/tpm/tpm.ts';
import { bench, newKey } from './bench.ts';
import { Swtpm } from './swtpm.ts';

const message = Buffer.from('m');
const IDENTITY = 0x81000100;
const told = (kind: TpmErrorKind, words: RegExp) => ({ name: 'TpmError', kind, message: words });

/** A TPM that nobody has used yet. */
async function fresh(t: TestContext) {
  const swtpm = Swtpm.start();
  const tpm = createTpm(swtpm.device);
  t.after(async () => {
    tpm.close();
    await swtpm[Symbol.asyncDispose]();
  });
  return { swtpm, tpm };
}

test('an owner with a password, before there are keys', async (t) => {
  const { swtpm, tpm } = await fresh(t);
  await swtpm.setOwnerPassword('secret');
  await assert.rejects(
    tpm.identity(),
    told('password', /^The TPM asks for a password: EvictControl answered BAD_AUTH\.$/),
  );
});

test('an owner with a password, later: what is there goes on signing', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  await tpm.activate(wrap(newKey()));
  tpm.close();
  await swtpm.setOwnerPassword('secret');
  const before = await tpm.sign(message);
  await assert.rejects(tpm.activate(wrap(newKey())), told('password', /BAD_AUTH/));
  await assert.rejects(tpm.forget(), told('password', /BAD_AUTH/));
  assert.deepEqual(await tpm.sign(message), before);
});

test('a TPM that is locked after wrong passwords', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  await tpm.activate(wrap(newKey()));
  tpm.close();
  await swtpm.lock();
  await assert.rejects(tpm.sign(message), told('locked', /^The TPM is locked: MAC answered LOCKOUT\.$/));
  await assert.rejects(tpm.prove(wrap(newKey()), message), told('locked', /LOCKOUT/));
});

test('a TPM without room', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  tpm.close();
  const all = Array.from({ length: 200 }, (_, at) => 0x81000200 + at);
  await assert.rejects(swtpm.occupy(...all), /0000014b$/, 'TPM_RC_NV_SPACE');
  await assert.rejects(
    tpm.activate(wrap(newKey())),
    told('full', /no room for another key: EvictControl answered NV_SPACE/),
  );
});

test("somebody else's object is neither used nor removed", async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  tpm.close();
  await swtpm.occupy(IDENTITY);
  await assert.rejects(tpm.sign(message), told('key', /no identity key/));
  await assert.rejects(tpm.activate(wrap(newKey())), told('full', /0x81000100/));
  await tpm.forget();
  assert.ok((await swtpm.handles(tpm)).persistent.includes(IDENTITY));
});

test('looking for the identity key makes no other key', async (t) => {
  const { swtpm, tpm } = await fresh(t);
  await assert.rejects(tpm.sign(message), told('key', /no identity key/));
  await tpm.forget();
  assert.deepEqual((await swtpm.handles(tpm)).persistent, []);
});
