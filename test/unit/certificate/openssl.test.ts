import assert from 'node:assert/strict';
import '../../simulator/reflect.ts';
import { before, test } from 'node:test';
import { Extension } from '@peculiar/x509';
import { linkUp, sentOf } from '../../../agent/certificate/chain.ts';
import { unaccepted } from '../../../agent/certificate/openssl.ts';
import { DAY, type Minted, mint, mintCa, privateKeyPem, type Wish } from './mint.ts';
import { opensslSays, read } from './openssl.ts';

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';
/** OpenSSL has the clock of the machine. */
const now = Date.now();
const times = { notBefore: now - DAY, notAfter: now + DAY };

/** GeneralSubtrees of one DNS name (RFC 5280 section 4.2.1.10), permitted. */
const constrained = (name: string): Extension => {
  const tlv = (tag: number, body: Buffer) => Buffer.concat([Buffer.of(tag, body.length), body]);
  const der = tlv(0x30, tlv(0xa0, tlv(0x30, tlv(0x82, Buffer.from(name)))));
  return new Extension('2.5.29.30', true, der);
};
const unknown = new Extension('1.2.3.4', true, Buffer.from('0500', 'hex'));

let keys: Minted['keys'];
before(async () => {
  ({ keys } = await mint(times));
});

/** Root, intermediate and leaf, and what is said of them: whether or not the root is delivered. */
async function said(wishes: Record<'root' | 'upper' | 'leaf', Wish>, isWhole: boolean) {
  const root = await mintCa({ ...times, ...wishes.root });
  const upper = await mintCa({ subject: 'CN=Upper', by: root, ...times, ...wishes.upper });
  const leaf = await mint({ by: upper, eku: [CLIENT], keys, ...times, ...wishes.leaf });
  const delivered = read(leaf.pem + upper.pem + (isWhole ? root.pem : ''));
  const [first] = delivered;
  assert.ok(first);
  const { path } = linkUp(first, delivered, now);
  const anchor = path.at(-1)?.toString() ?? '';
  const code = await opensslSays(privateKeyPem(keys), sentOf(path).join(''), anchor);
  return { code, refusal: code === undefined ? undefined : unaccepted(code, path)?.failure };
}

type Row = readonly [string, Partial<Record<'root' | 'upper' | 'leaf', Wish>>, RegExp | undefined, 'whole' | 'both'];
const EVERY = { ku: ['keyCertSign', 'cRLSign'], pathlen: 3, eku: [CLIENT, SERVER] } as const;

const ROWS: readonly Row[] = [
  ['nothing', {}, undefined, 'both'],
  ['nothing, where all is said that can be', { root: EVERY, upper: { ...EVERY, pathlen: 0 } }, undefined, 'both'],
  [
    'names that the name constraints allow',
    { upper: { more: [constrained('example.com')] }, leaf: { subject: 'CN=gw.example.com' } },
    undefined,
    'both',
  ],
  [
    'the path length of the root',
    { root: { pathlen: 0 } },
    /at most 0 CAs between "CN=Root" and .*; there are 1\.$/,
    'whole',
  ],
  [
    'names',
    { upper: { more: [constrained('example.com')] }, leaf: { subject: 'CN=gw.example.org' } },
    /"CN=Upper" has name constraints/,
    'both',
  ],
  ['an extension of a CA', { upper: { more: [unknown] } }, /"CN=Upper" has the critical extension 1\.2\.3\.4,/, 'both'],
  [
    'an extension of the leaf',
    { leaf: { more: [unknown] } },
    /"CN=gw-0001" has the critical extension 1\.2\.3\.4,/,
    'both',
  ],
  [
    'the use of a CA',
    { upper: { eku: [SERVER] } },
    /usage of "CN=Upper" to allow clientAuth \(.*; it allows .*3\.1\.$/,
    'both',
  ],
];

for (const [what, { root = {}, upper = {}, leaf = {} }, words, when] of ROWS) {
  for (const isWhole of when === 'both' ? [true, false] : [true]) {
    test(`OpenSSL refuses: ${what} (${isWhole ? 'up to the root' : 'the root is not delivered'})`, async () => {
      const { code, refusal } = await said({ root, upper, leaf }, isWhole);
      if (words === undefined) return assert.equal(code, undefined);
      assert.match(refusal?.message ?? `accepted: ${code}`, words);
      assert.equal(refusal?.kind, 'refused');
      assert.match(refusal?.advice ?? '', /^Operator of the CA: /);
      assert.equal(refusal?.code, upper.eku ? 'NL-LEAF-EKU' : 'NL-LEAF-CHAIN');
    });
  }
}

test('OpenSSL accepts a leaf alone: self-signed, or of a CA that is not delivered', async () => {
  const key = privateKeyPem(keys);
  for (const by of [undefined, await mintCa(times)]) {
    const { pem } = await mint({ ...times, keys, ...(by && { by }) });
    assert.equal(await opensslSays(key, pem, pem), undefined);
  }
});

test('a reason that is none of these has the code of Node; one about the time is no reason', async () => {
  const path = read((await mint(times)).pem);
  assert.match(
    unaccepted('UNSPECIFIED', path)?.failure.message ?? '',
    /^OpenSSL does not accept this chain \(UNSPECIFIED\)\.$/,
  );
  assert.equal(unaccepted('CERT_HAS_EXPIRED', path), undefined);
});

test('a key that is not the one of the leaf is no fault of the chain', async () => {
  const { pem } = await mint({ ...times, keys });
  const other = privateKeyPem((await mint()).keys);
  await assert.rejects(opensslSays(other, pem, pem), { name: 'TokenError', code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' });
});
