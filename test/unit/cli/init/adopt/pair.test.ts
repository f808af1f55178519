import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { adopt } from '../../../../../agent/cli/init/adopt/adopt.ts';
import { Fault } from '../../../../../agent/failure/failure.ts';
import { importable, importedId } from '../../../../../hsm/import-key.ts';
import { DAY, type Minted, mint } from '../../../certificate/mint.ts';
import { scratch } from '../../../state/disk.ts';
import { scene } from '../stage.ts';

const now = Date.now();
const valid = { notBefore: now - DAY, notAfter: now + DAY };
const keyOf = ({ keys }: Minted): string =>
  KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();

const CUT = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function made(kind: 'P-521' | 'rsa-pss'): string {
  const { privateKey } =
    kind === 'P-521'
      ? generateKeyPairSync('ec', { namedCurve: kind })
      : generateKeyPairSync(kind, { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

test('a key with the parameters of its curve is the key that the leaf names', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  const { x, y, d } = privateKey.export({ format: 'jwk' });
  const named = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d } as JsonWebKey, format: 'jwk' });
  assert.notEqual(importedId(privateKey), importedId(named));
  assert.equal(importedId(importable(privateKey)), importedId(named));
});

test('what does not fit is said once, by the names of the files, with an advice that can be followed', async (t) => {
  const directory = scratch(t);
  const [leafFile, keyFile] = [join(directory, 'leaf.pem'), join(directory, 'leaf.key')];
  const [good, other, old] = [await mint(valid), await mint(valid), await mint({ notBefore: 0, notAfter: DAY })];
  const rows: readonly (readonly [leaf: string, key: string, id: string, sentence: string, advice: string])[] = [
    [
      good.pem,
      keyOf(other),
      'gw-0001',
      `${leafFile} is not the leaf of the key ${keyFile}: expected the key EC P-256`,
      'Name the two that belong together; or begin without --adopt, with a new leaf.',
    ],
    [
      good.pem,
      keyOf(good),
      'gw-0002',
      `${leafFile} is not for the registration ID gw-0002: expected the CN "gw-0002"; delivered was "gw-0001". Nothing was`,
      'Name the registration ID that is its CN (--registration-id); or begin without --adopt, with a new leaf.',
    ],
    [
      old.pem,
      keyOf(old),
      'gw-0001',
      `${leafFile} cannot be taken over: expected 60 s of validity`,
      'If the clock of this gateway is wrong, set it (`timedatectl`); else begin without --adopt, with a new leaf.',
    ],
    [
      keyOf(good),
      keyOf(good),
      'gw-0001',
      `${leafFile}: it holds a private key, and no certificate. Nothing was touched.`,
      'Name the file with the leaf, and run it again.',
    ],
    [
      'nothing',
      keyOf(good),
      'gw-0001',
      `${leafFile}: there is no certificate in it. Nothing was touched.`,
      'Name the file with the leaf, and run it again.',
    ],
    [
      CUT,
      keyOf(good),
      '',
      `${leafFile} cannot be taken over: `,
      'Name another leaf; or begin without --adopt, with a new leaf.',
    ],
    ...(['P-521', 'rsa-pss'] as const).map(
      (kind) =>
        [
          good.pem,
          made(kind),
          'gw-0001',
          `${keyFile}: Keys of this kind are not supported: ${kind}. Nothing was`,
          'Begin without --adopt, with a new leaf.',
        ] as const,
    ),
  ];
  for (const [leaf, key, id, sentence, advice] of rows) {
    writeFileSync(leafFile, leaf);
    writeFileSync(keyFile, key);
    const named = id === '' ? {} : { 'registration-id': id };
    const { guide } = scene({ flags: { adopt: leafFile, 'adopt-key': keyFile, ...named } });
    await assert.rejects(adopt(guide), (error) => {
      assert.ok(error instanceof Fault);
      assert.ok(error.failure.message.startsWith(sentence), error.failure.message);
      assert.match(error.failure.message, / Nothing was touched\.$/);
      assert.deepEqual([error.failure.advice, error.failure.cause], [advice, undefined]);
      return true;
    });
  }
});

test('a key file is for a leaf in a file', async () => {
  for (const from of ['aziot', 'token']) {
    const { guide } = scene({ flags: { adopt: from, 'adopt-key': '/x' } });
    await assert.rejects(adopt(guide), /NL-CONFIG --adopt-key is the key of a leaf in a file: --adopt /);
  }
});
