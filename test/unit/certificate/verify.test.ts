import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { type Expected, verify } from '../../../agent/certificate/verify.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { dueAt, fittingRenewal } from '../../../agent/roll/terms.ts';
import { armored } from './deliver.ts';
import { DAY, ec, type Minted, mint, mintByOpenssl, mintCa, NOW, rsa, type Wish } from './mint.ts';

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';
const MINUTE = 60_000;

let ca: Minted;
before(async () => {
  ca = await mintCa();
});

const expecting = (spki: Buffer, rest: Partial<Expected> = {}): Expected => ({
  key: { slot: 'b', id: '0b' },
  spki,
  cn: 'gw-0001',
  now: NOW,
  renewAt: ({ notBefore, notAfter }) => notBefore + (notAfter - notBefore) * 0.66,
  ...rest,
});

const sha256 = (der: Buffer): string => createHash('sha256').update(der).digest('hex');

function refusal(delivered: string, expected: Expected): Fault {
  try {
    verify(delivered, expected);
  } catch (error) {
    assert.ok(error instanceof Fault, `threw ${error}`);
    return error;
  }
  return assert.fail('it was accepted');
}

const accepted: Record<string, Wish> = {
  'no extension at all': {},
  'EKU clientAuth': { eku: [CLIENT] },
  'EKU serverAuth and clientAuth': { eku: [SERVER, CLIENT] },
  'EKU anyExtendedKeyUsage': { eku: ['2.5.29.37.0'] },
  'key usage digitalSignature': { ku: ['digitalSignature'] },
  'key usage digitalSignature among others': { ku: ['digitalSignature', 'keyEncipherment'] },
  'basicConstraints CA:FALSE': { ca: false },
  'other attributes beside the CN': { subject: 'C=NL, O=Example, OU=Gateways, CN=gw-0001' },
  'valid from this moment on': { notBefore: NOW },
  'signed with SHA-384': { signing: { name: 'ECDSA', hash: 'SHA-384' } },
};

for (const [what, wish] of Object.entries(accepted)) {
  test(`accepted: ${what}`, async () => {
    const leaf = await mint({ ...wish, by: ca });
    const verified = verify(leaf.pem, expecting(leaf.spki));
    assert.equal(verified.leaf.thumbprint, sha256(leaf.der).toUpperCase());
    assert.deepEqual(verified.notes, []);
  });
}

test('accepted: RSA 2048, P-384 and P-521 keys, and an RSASSA-PSS signature with SHA-256', async () => {
  const pss = { keys: await rsa(2048, 'RSA-PSS'), signing: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 } };
  const wishes: Wish[] = [{ keys: await rsa(2048) }, { keys: await ec('P-384') }, { keys: await ec('P-521') }, pss];
  for (const wish of wishes) {
    const leaf = await mint(wish);
    assert.equal(verify(leaf.pem, expecting(leaf.spki)).leaf.cn, 'gw-0001');
  }
});

test('the leaf says what the certificate says', async () => {
  const leaf = await mint({ by: ca });
  const expected = expecting(leaf.spki);
  assert.deepEqual(verify(leaf.pem, expected).leaf, {
    key: expected.key,
    chain: new X509Certificate(leaf.der).toString(),
    thumbprint: sha256(leaf.der).toUpperCase(),
    cn: 'gw-0001',
    serial: leaf.certificate.serialNumber.toUpperCase(),
    issuer: 'Root',
    notBefore: NOW - DAY,
    notAfter: NOW + 29 * DAY,
  });
});

test('an issuer without a CN is named whole', async () => {
  const leaf = await mint({ by: await mintCa({ subject: 'C=NL, O=Example' }) });
  assert.equal(verify(leaf.pem, expecting(leaf.spki)).leaf.issuer, 'C=NL, O=Example');
});

test('an earlier end than that of the current leaf is only noted', async () => {
  const leaf = await mint({ by: ca });
  const { notes } = verify(leaf.pem, expecting(leaf.spki, { currentNotAfter: NOW + 3650 * DAY }));
  assert.deepEqual(notes, [
    'The leaf ends at 2030-06-30T00:00:00.000Z, before the current one (2040-05-29T00:00:00.000Z).',
  ]);
  assert.deepEqual(verify(leaf.pem, expecting(leaf.spki, { currentNotAfter: NOW })).notes, []);
});

test('renew_at = "off": a leaf is never due', async () => {
  const leaf = await mint({ notAfter: NOW + MINUTE });
  assert.equal(verify(leaf.pem, expecting(leaf.spki, { renewAt: () => undefined })).leaf.notAfter, NOW + MINUTE);
});

test('a leaf is judged by the moment that its serial draws, which is when it will be renewed', async () => {
  const minted = await mint({ by: ca });
  const { leaf } = verify(minted.pem, expecting(minted.spki));
  const due = dueAt(leaf, { share: 0.66 }) ?? 0;
  assert.notEqual(due, dueAt({ ...leaf, serial: '' }, { share: 0.66 }));
  const at = (now: number) => expecting(minted.spki, { now, renewAt: (one) => dueAt(one, { share: 0.66 }) });
  assert.deepEqual(verify(minted.pem, at(due - 1)).leaf, leaf);
  assert.equal(refusal(minted.pem, at(due)).failure.code, 'NL-LEAF-VALIDITY');
});

/** Each row: what is wrong, the code, and both values as the sentence must name them. */
const refused: [string, Wish, string, RegExp][] = [
  ['another CN', { subject: 'CN=gw-9999' }, 'NL-LEAF-CN', /"gw-0001"; delivered was "gw-9999"/],
  ['a CN in other case', { subject: 'CN=GW-0001' }, 'NL-LEAF-CN', /"gw-0001"; delivered was "GW-0001"/],
  ['two CNs', { subject: 'CN=gw-0001, CN=gw-9999' }, 'NL-LEAF-CN', /"gw-0001"; .* "gw-0001" and "gw-9999"/],
  ['no CN', { subject: 'O=Example' }, 'NL-LEAF-CN', /"gw-0001"; delivered was no CN/],
  ['a CN that looks like two names', { subject: 'CN=gw-0001\\, CN=x' }, 'NL-LEAF-CN', /delivered was "gw-0001, CN=x"/],
  ['EKU serverAuth only', { eku: [SERVER] }, 'NL-LEAF-EKU', /clientAuth \(1\.3\.6\.1\.5\.5\.7\.3\.2\); .*7\.3\.1/],
  [
    'key usage without digitalSignature',
    { ku: ['keyEncipherment', 'decipherOnly'] },
    'NL-LEAF-EKU',
    /digitalSignature; delivered was keyEncipherment, decipherOnly/,
  ],
  ['a CA', { ca: true }, 'NL-LEAF-CA', /CA:FALSE\); "CN=gw-0001" was delivered with CA:TRUE/],
  [
    'expired',
    { notAfter: NOW - 1000 },
    'NL-LEAF-VALIDITY',
    /60 s .* from 2030-06-01T00:00:00.000Z on; .* ends at 2030-05-31T23:59:59.000Z/,
  ],
  ['59 s left', { notAfter: NOW + 59_000 }, 'NL-LEAF-VALIDITY', /60 s .* ends at 2030-06-01T00:00:59.000Z/],
  [
    'due already',
    { notBefore: NOW - 70 * DAY, notAfter: NOW + 30 * DAY },
    'NL-LEAF-VALIDITY',
    /not yet due at 2030-06-01T00:00:00.000Z; .* is due at 2030-05-28T00:00:00.000Z/,
  ],
  ['of no use once it is valid', { notBefore: NOW + DAY, notAfter: NOW + DAY + 1000 }, 'NL-LEAF-VALIDITY', /60 s/],
  [
    'not valid yet',
    { notBefore: NOW + 5 * MINUTE },
    'NL-LEAF-NOT-YET',
    /valid now \(2030-06-01T00:00:00.000Z\); .* valid from 2030-06-01T00:05:00.000Z/,
  ],
];

for (const [what, wish, code, sentence] of refused) {
  test(`refused: ${what}`, async () => {
    const leaf = await mint({ ...wish, by: ca });
    const { failure } = refusal(leaf.pem, expecting(leaf.spki));
    assert.equal(failure.code, code);
    assert.match(failure.message, sentence);
  });
}

for (const [what, sentLongAgo, advice] of [
  ['a CA that backdates by a year', 365 * DAY, 'set leaf.renew_at = "5day", then `systemctl restart newleaf`.'],
  ['one that backdates by two decades', 7300 * DAY, 'or one that begins later.'],
] as const)
  test(`due already: ${what}`, async () => {
    const leaf = await mint({ notBefore: NOW - sentLongAgo, notAfter: NOW + 30 * DAY, by: ca });
    const { failure } = refusal(leaf.pem, expecting(leaf.spki, { fitting: fittingRenewal }));
    assert.ok(failure.advice.startsWith('Operator of the CA: issue a longer lifetime, '), failure.advice);
    assert.ok(failure.advice.endsWith(advice), failure.advice);
  });

test('a leaf that is not valid yet is waited for, until the moment it is', async () => {
  const leaf = await mint({ notBefore: NOW + 5 * MINUTE });
  const { failure } = refusal(leaf.pem, expecting(leaf.spki));
  assert.equal(failure.kind, 'transient');
  assert.equal(failure.retryAfterMs, 5 * MINUTE);
  assert.equal(verify(leaf.pem, expecting(leaf.spki, { now: NOW + 5 * MINUTE })).leaf.cn, 'gw-0001');
});

test('refused: a leaf for another key, both keys named', async () => {
  const [leaf, other] = [await mint({ by: ca }), await mint({ keys: await rsa(2048) })];
  const { failure } = refusal(leaf.pem + ca.pem, expecting(other.spki));
  assert.equal(failure.code, 'NL-LEAF-KEY');
  assert.ok(failure.message.includes(`RSA 2048 (SHA-256 ${sha256(other.spki)})`));
  assert.ok(failure.message.includes(`"CN=gw-0001" with the key EC P-256 (SHA-256 ${sha256(leaf.spki)})`));
});

test('refused: what looks like a certificate until it is read', () => {
  const delivered = armored('CERTIFICATE', Buffer.from('30060404deadbeef', 'hex'));
  const { code, message } = refusal(delivered, expecting(ca.spki)).failure;
  assert.equal(code, 'NL-LEAF-PARSE');
  assert.match(message, /^Expected certificates in PEM; the 67 characters delivered cannot be read as such\.$/);
});

test('refused: weak keys and signatures', async () => {
  const sha1 = await mintCa({ keys: await rsa(2048, 'RSASSA-PKCS1-v1_5', 'SHA-1') });
  const pss = await rsa(2048, 'RSA-PSS', 'SHA-1');
  const weak: [{ pem: string; spki: Buffer }, RegExp][] = [
    [await mint({ keys: await rsa(1024) }), /RSA key of 2048 .*; the key of "CN=gw-0001" is RSA 1024/],
    [await mint({ by: ca, signing: { name: 'ECDSA', hash: 'SHA-1' } }), /SHA-256 or better; .* ecdsa-with-SHA1/],
    [await mint({ by: sha1, signing: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' } }), /sha1WithRSAEncryption/],
    [await mint({ keys: pss, signing: { name: 'RSA-PSS', hash: 'SHA-1', saltLength: 20 } }), /signed with SHA-1/],
    [mintByOpenssl('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'), /P-521; .* is EC secp256k1/],
    [mintByOpenssl('-newkey', 'ed25519'), /P-521; .* is ed25519/],
    [mintByOpenssl('-newkey', 'rsa:2048', '-md5'), /SHA-256 or better; .* md5WithRSAEncryption/],
  ];
  for (const [leaf, sentence] of weak) {
    const { notBefore, notAfter } = lifetimeOf(leaf.pem);
    const { failure } = refusal(leaf.pem, expecting(leaf.spki, { now: notBefore + (notAfter - notBefore) / 30 }));
    assert.equal(failure.code, 'NL-LEAF-WEAK', failure.message);
    assert.match(failure.message, sentence);
  }
});

function lifetimeOf(pem: string): { notBefore: number; notAfter: number } {
  const { validFrom, validTo } = new X509Certificate(pem);
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}

test('refused: more certificates than any CA delivers, before it is tried out who signed whom', async () => {
  const leaf = await mint({ by: ca });
  const delivered = (count: number) => `${leaf.pem}\n`.concat(`${ca.pem}\n`.repeat(count - 1));
  assert.equal(verify(delivered(50), expecting(leaf.spki)).leaf.cn, 'gw-0001');
  const { code, message } = refusal(delivered(51), expecting(leaf.spki)).failure;
  assert.equal(code, 'NL-LEAF-CHAIN');
  assert.match(message, /50 certificates at most; delivered were 51\.$/);
});
