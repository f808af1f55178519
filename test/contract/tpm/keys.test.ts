import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createTpm } from '../../../hsm/tpm/tpm.ts';
import { bench, hmac, newKey } from './bench.ts';

const message = Buffer.from('0ne00000000%2Fregistrations%2Fgw-0001\n1780000000');

test('the identity of a TPM is made once, and stays', async (t) => {
  const { swtpm, tpm } = await bench(t);
  const first = await tpm.identity();
  assert.deepEqual([first.endorsementKey.length, first.storageRootKey.length], [316, 284]);
  // RFC 4648 section 6, in lower case and without padding.
  const bits = [...createHash('sha256').update(first.endorsementKey).digest()]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const digits = bits.padEnd(260, '0').match(/.{5}/g) ?? [];
  assert.equal(
    first.registrationId,
    digits.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)]).join(''),
  );
  tpm.close();
  await swtpm.powerOff();
  swtpm.powerOn();
  assert.deepEqual(await tpm.identity(), first);
});

test('the identity key signs what any holder of the key would, and survives the power', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  const key = newKey();
  await tpm.activate(wrap(key));
  // A TPM takes 1024 bytes at once, and more in pieces.
  for (const size of [3, 1_024, 1_025, 5_000]) {
    const long = Buffer.alloc(size, 'x');
    assert.deepEqual(await tpm.sign(long), hmac(key, long), `${size} bytes`);
  }
  tpm.close();
  await swtpm.powerOff();
  swtpm.powerOn();
  assert.deepEqual(await tpm.sign(message), hmac(key, message));
});

test('the key of a challenge signs once, and leaves everything as it was', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  const [identity, challenge] = [newKey(), newKey()];
  assert.deepEqual(await tpm.prove(wrap(challenge), message), hmac(challenge, message));
  await assert.rejects(tpm.sign(message), { name: 'TpmError', kind: 'key' });
  await tpm.activate(wrap(identity));
  for (let time = 0; time < 5; time += 1) {
    assert.deepEqual(await tpm.prove(wrap(challenge), message), hmac(challenge, message));
  }
  assert.deepEqual(await tpm.sign(message), hmac(identity, message));
  // What would be left behind, and what is meant to stay: SRK, identity key, EK.
  assert.deepEqual(await swtpm.handles(tpm), {
    sessions: [],
    transient: [],
    persistent: [0x81000001, 0x81000100, 0x81010001],
  });
});

test('the identity key is forgotten, and only that; again is success', async (t) => {
  const { swtpm, tpm, wrap } = await bench(t);
  await tpm.forget();
  await tpm.activate(wrap(newKey()));
  await tpm.forget();
  await assert.rejects(tpm.sign(message), { name: 'TpmError', kind: 'key' });
  await tpm.forget();
  assert.deepEqual((await swtpm.handles(tpm)).persistent, [0x81000001, 0x81010001]);
  const key = newKey();
  await tpm.activate(wrap(key));
  assert.deepEqual(await tpm.sign(message), hmac(key, message));
});

test('calls at once do not take the answers of each other', async (t) => {
  const { tpm, wrap } = await bench(t);
  const [identity, challenge] = [newKey(), newKey()];
  await tpm.activate(wrap(identity));
  const messages = Array.from({ length: 6 }, (_, at) => Buffer.from(`message ${at}`));
  const signed = await Promise.all([
    ...messages.map((one) => tpm.sign(one)),
    ...messages.map((one) => tpm.prove(wrap(challenge), one)),
  ]);
  const expected = [identity, challenge].flatMap((key) => messages.map((one) => hmac(key, one)));
  assert.deepEqual(signed, expected);
});

test('the process ends when it is not needed, and lets others at the TPM', async (t) => {
  const { swtpm, tpm } = await bench(t, { lingerMs: 10 });
  // swtpm serves one client at a time: this is answered once the process of the other has gone.
  const other = createTpm(swtpm.device);
  t.after(() => other.close());
  assert.deepEqual(await other.identity(), await tpm.identity());
});
