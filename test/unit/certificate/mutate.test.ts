import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { certificatePem, toPem } from '../../../agent/certificate/pem.ts';
import { verify } from '../../../agent/certificate/verify.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { pkcs7, pkcs7Indefinite } from './deliver.ts';
import { type Minted, mint, mintCa, NOW, rsa } from './mint.ts';

let ca: Minted;
let leaf: Minted;

before(async () => {
  const pss = { keys: await rsa(2048, 'RSA-PSS'), signing: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 } };
  ca = await mintCa(pss);
  leaf = await mint({
    by: ca,
    signing: pss.signing,
    eku: ['1.3.6.1.5.5.7.3.2'],
    ku: ['digitalSignature'],
    ca: false,
  });
});

/** Overwrites, cuts and repeats, anywhere. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  kind: fc.constantFrom('overwrite', 'cut', 'insert'),
  octets: fc.uint8Array({ minLength: 1, maxLength: 6 }),
});
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

function mutated(bytes: Buffer, changes: readonly { at: number; kind: string; octets: Uint8Array }[]): Buffer {
  return changes.reduce((current, { at, kind, octets }) => {
    const start = Math.floor(at * current.length);
    const kept = kind === 'insert' ? start : start + octets.length;
    return Buffer.concat([
      current.subarray(0, start),
      kind === 'cut' ? Buffer.alloc(0) : octets,
      current.subarray(kept),
    ]);
  }, bytes);
}

/** Whatever is accepted must be for our key and name; whatever is not must be a Fault of this family. */
function verifyAny(pem: string): void {
  const expected = { key: { slot: 'a', id: '0a' }, cn: 'gw-0001', now: NOW, renewAt: () => undefined } as const;
  try {
    const { leaf: accepted } = verify(pem, { ...expected, spki: leaf.spki });
    assert.equal(accepted.cn, 'gw-0001');
  } catch (error) {
    assert.ok(error instanceof Fault, `threw ${error}`);
    assert.match(error.failure.code, /^NL-LEAF-/);
  }
}

test('verify throws nothing but Fault, whatever happened to the DER', () => {
  fc.assert(
    fc.property(mutations, fc.boolean(), (changes, both) => {
      const issuer = both ? mutated(ca.der, changes) : ca.der;
      verifyAny(certificatePem(mutated(leaf.der, changes)) + certificatePem(issuer));
      verifyAny(leaf.pem + certificatePem(issuer));
    }),
    { numRuns: 500 },
  );
});

test('verify throws nothing but Fault, whatever happened to the PEM', () => {
  fc.assert(
    fc.property(mutations, (changes) => verifyAny(mutated(Buffer.from(leaf.pem + ca.pem), changes).toString('latin1'))),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string(), verifyAny));
});

test('toPem rejects with nothing but Fault, whatever happened to the delivery', async () => {
  const deliveries = [leaf.der, pkcs7(leaf, ca), pkcs7Indefinite(leaf, ca), Buffer.from(leaf.pem)];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...deliveries), mutations, async (delivery, changes) => {
      try {
        verifyAny(await toPem(mutated(delivery, changes)));
      } catch (error) {
        assert.ok(error instanceof Fault && error.failure.code === 'NL-LEAF-PARSE', `threw ${error}`);
      }
    }),
    { numRuns: 500 },
  );
});
