import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { blocksOf, toPem, wrapped } from '../../../agent/certificate/pem.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { armored, pkcs7, pkcs7Indefinite } from './deliver.ts';
import { type Minted, mint, mintCa } from './mint.ts';

let leaf: Minted;
let ca: Minted;
let both: string;

before(async () => {
  ca = await mintCa();
  leaf = await mint({ by: ca });
  both = [leaf, ca].map(({ der }) => new X509Certificate(der).toString()).join('');
});

const readable: [string, () => string | Buffer][] = [
  ['PEM', () => both],
  ['PEM with CRLF', () => both.replaceAll('\n', '\r\n')],
  ['PEM with CR', () => both.replaceAll('\n', '\r')],
  ['PEM with a byte order mark', () => `\uFEFF${both}`],
  ['PEM that a mail has indented', () => both.replace(/^/gm, '  ')],
  ['PEM without the last line end', () => both.trimEnd()],
  ['PEM with text around it', () => `subject=CN = gw-0001\n\n${leaf.pem}0123\nissuer=CN = Root\n${ca.pem}-- \nRegards`],
  ['PEM with a block that is no certificate', () => armored('EC PARAMETERS', Buffer.from('06', 'hex')) + both],
  ['PEM after a block that does not end', () => `-----BEGIN CERTIFICATE-----\nMIIB\n${both}`],
  ['PEM with the old label', () => both.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')],
  ['PKCS#7, DER', () => pkcs7(leaf, ca)],
  ['PKCS#7, BER with indefinite lengths, a CRL and an attribute certificate', () => pkcs7Indefinite(leaf, ca)],
  ['PKCS#7, PEM', () => armored('PKCS7', pkcs7(leaf, ca))],
  ['PKCS#7, PEM with the label of RFC 7468', () => armored('CMS', pkcs7(leaf, ca))],
  ['PKCS#7 and a certificate, PEM', () => armored('PKCS7', pkcs7(leaf)) + ca.pem],
];

for (const [what, delivered] of readable) {
  test(`read: ${what}`, async () => assert.equal(await toPem(Buffer.from(delivered())), both));
}

test('read: X.509, DER', async () => {
  assert.equal(await toPem(leaf.der), new X509Certificate(leaf.der).toString());
});

const unreadable: [string, () => string | Buffer][] = [
  ['nothing', () => ''],
  ['words', () => 'Your request has been received.'],
  ['a key only', () => armored('PRIVATE KEY', Buffer.from('3000', 'hex'))],
  ['a block that does not end', () => both.slice(0, 400)],
  ['half of a DER', () => leaf.der.subarray(0, 200)],
  ['half of a PKCS#7', () => pkcs7(leaf).subarray(0, 200)],
  ['a PKCS#7 of another content type', () => replaced(pkcs7(leaf), '2a864886f70d010702', '2a864886f70d010701')],
  ['a PKCS#7 without certificates', () => pkcs7Indefinite()],
  ['PEM around a broken PKCS#7', () => armored('PKCS7', Buffer.from('3080', 'hex'))],
  ['100,000 nested elements', () => Buffer.from('3080'.repeat(100_000), 'hex')],
];

const replaced = (der: Buffer, from: string, to: string): Buffer =>
  Buffer.from(der.toString('hex').replace(from, to), 'hex');

for (const [what, delivered] of unreadable) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(
      toPem(Buffer.from(delivered())),
      (error) => error instanceof Fault && error.failure.code === 'NL-LEAF-PARSE',
    );
  });
}

test('refused: the CSR in the place of the leaf, and that is said', async () => {
  const csr = armored('CERTIFICATE REQUEST', Buffer.from('3000', 'hex'));
  await assert.rejects(toPem(Buffer.from(csr)), /NL-LEAF-PARSE A CSR was delivered/);
});

test('base64 is wrapped at 64 characters and ends with a line end', () => {
  assert.equal(wrapped(Buffer.alloc(96)), `${'A'.repeat(64)}\n${'A'.repeat(64)}\n`);
  assert.equal(wrapped(Buffer.alloc(3)), 'AAAA\n');
});

test('a block keeps its label and loses everything around it', () => {
  const [block] = blocksOf(`x\n${armored('CERTIFICATE REQUEST', Buffer.from('abc'))}y`);
  assert.deepEqual(block, { label: 'CERTIFICATE REQUEST', der: Buffer.from('abc') });
});
