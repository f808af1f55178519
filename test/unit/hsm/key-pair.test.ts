import assert from 'node:assert/strict';
import { test } from 'node:test';
import pkcs11js, { type PKCS11 } from 'pkcs11js';
import { ckrName } from '../../../hsm/ckr.ts';
import { doubtsOf, generateKeyPair, knowModule, makesKeysHere } from '../../../hsm/key-pair.ts';
import { Session } from '../../../hsm/session.ts';

/** A module that gives these answers to C_GenerateKeyPair, one after the other, and then a key. */
function answering(...answers: readonly number[]): { readonly session: Session; readonly asked: number[] } {
  const left = [...answers];
  const asked: number[] = [];
  const module = {
    async C_GenerateKeyPairAsync(_: unknown, __: unknown, ___: unknown, privateKey: readonly unknown[]) {
      asked.push(privateKey.length);
      const code = left.shift();
      if (code !== undefined) throw new pkcs11js.Pkcs11Error(`${ckrName(code)}:${code}`, code);
      return { publicKey: Buffer.of(1), privateKey: Buffer.of(2) };
    },
  } as unknown as PKCS11;
  return { session: new Session(module, Buffer.alloc(8)), asked };
}

const make = (session: Session) => generateKeyPair(session, 'newleaf-a', Buffer.of(1), 'ec-p384');
const { CKR_ATTRIBUTE_VALUE_INVALID, CKR_GENERAL_ERROR, CKR_KEY_SIZE_RANGE, CKR_MECHANISM_INVALID } = pkcs11js;
const CKR_CURVE_NOT_SUPPORTED = 0x140;

for (const answers of [
  [CKR_MECHANISM_INVALID],
  [CKR_KEY_SIZE_RANGE],
  [CKR_CURVE_NOT_SUPPORTED],
  [CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID],
  [CKR_GENERAL_ERROR, pkcs11js.CKR_DOMAIN_PARAMS_INVALID],
]) {
  test(`a kind of key that the token does not make: ${answers.map(ckrName).join(', then ')}`, async () => {
    const { session } = answering(...answers);
    const message = `The token does not make keys of type ec-p384 (${ckrName(answers.at(-1) ?? 0)}).`;
    await assert.rejects(make(session), { kind: 'failed', code: 'KEY_TYPE_UNKNOWN', message });
  });
}

test('what is no matter of the kind stays what it is', async () => {
  await assert.rejects(make(answering(pkcs11js.CKR_DEVICE_MEMORY).session), { code: pkcs11js.CKR_DEVICE_MEMORY });
});

test('a module that refuses to be told what a key may not do is told so once', async () => {
  const { session, asked } = answering(CKR_ATTRIBUTE_VALUE_INVALID);
  for (let round = 0; round < 2; round += 1) await make(session);
  const [first = 0, ...later] = asked;
  assert.ok(later.length === 2 && later.every((one) => one < first), String(asked));
});

test('a general error that passes is asked again, and the module is told as before what a key may not do', async () => {
  const { session, asked } = answering(CKR_GENERAL_ERROR);
  for (let round = 0; round < 2; round += 1) await make(session);
  assert.equal(new Set(asked).size, 1, String(asked));
});

test('a general error that stays is an answer; a token that makes no key at all is asked the same anew later', async () => {
  const { session, asked } = answering(CKR_GENERAL_ERROR, CKR_GENERAL_ERROR, CKR_GENERAL_ERROR);
  await assert.rejects(make(session), { code: CKR_GENERAL_ERROR });
  await make(session);
  const [long = 0, , short = 0] = asked;
  assert.ok(short < long);
  assert.deepEqual(asked, [long, long, short, long]);
});

test('what a token says against its own key is told, and what it does not say is not held against it', () => {
  const fine = { sensitive: true, extractable: false, alwaysSensitive: true, neverExtractable: true, local: true };
  assert.deepEqual(doubtsOf(fine), []);
  assert.deepEqual(doubtsOf({ ...fine, alwaysSensitive: undefined, local: undefined }), []);
  assert.match(doubtsOf({ ...fine, local: false }).join(), /not made in the token/);
  assert.match(doubtsOf({ ...fine, alwaysSensitive: false }).join(), /readable once/);
});

test('tpm2-pkcs11 is never told what a key may not do: each refusal leaves an object in the TPM', async () => {
  const [short = 0] = await lengths('SoftHSM', CKR_ATTRIBUTE_VALUE_INVALID).then((asked) => asked.slice(-1));
  assert.deepEqual(await lengths('tpm2-software.github.io         ', CKR_GENERAL_ERROR), [short]);
});

/** How much a module of this manufacturer is told, when it first gives this answer. */
async function lengths(manufacturer: string, answer: number): Promise<readonly number[]> {
  const { session, asked } = answering(answer);
  knowModule(session, manufacturer);
  await make(session).catch(() => undefined);
  return asked;
}

test('an attribute that the token does not have, or does not tell, is none; one that cannot be read now is an error', () => {
  const reading = (code: number) => {
    const C_GetAttributeValue = () => {
      throw new pkcs11js.Pkcs11Error(`${ckrName(code)}:${code}`, code);
    };
    return new Session({ C_GetAttributeValue } as unknown as PKCS11, Buffer.alloc(8)).read(
      Buffer.of(1),
      pkcs11js.CKA_ID,
    );
  };
  for (const code of [pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11js.CKR_ATTRIBUTE_SENSITIVE])
    assert.equal(reading(code), undefined);
  for (const code of [pkcs11js.CKR_DEVICE_REMOVED, CKR_GENERAL_ERROR]) assert.throws(() => reading(code), { code });
});

test('modules that hide a key of another process, or give it the handle of an old one, have keys made in the process that uses them', () => {
  const made = ['SoftHSM', 'Mozilla Foundation', 'PKCS#11 Kit', 'tpm2-software.github.io', 'IBM   '].map(makesKeysHere);
  assert.deepEqual(made, [false, false, false, true, true]);
});
