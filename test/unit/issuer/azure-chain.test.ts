import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Expected, verify } from '../../../agent/certificate/verify.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { issuedPem } from '../../../agent/issuer/azure-chain.ts';
import { DAY, ec, type Minted, mint, mintCa, NOW } from '../certificate/mint.ts';

let root: Minted;
let ica: Minted;
let leaf: Minted;
let foreign: Minted;
let misnamed: Minted;
let later: Minted;

before(async () => {
  root = await mintCa({ keys: await ec('P-384') });
  ica = await mintCa({ keys: await ec('P-384'), subject: 'CN=ica-1', by: root });
  leaf = await mint({ by: ica });
  foreign = await mint({ by: ica });
  misnamed = await mint({ by: ica, keys: leaf.keys, subject: 'CN=gw-0002' });
  later = await mint({ by: ica, keys: leaf.keys, notBefore: NOW + 3_600_000, notAfter: NOW + 30 * DAY });
});

const base64 = (...certificates: readonly Minted[]): string[] => certificates.map(({ der }) => der.toString('base64'));

const expected = (): Expected => ({
  key: { slot: 'b', id: '0b' },
  spki: leaf.spki,
  cn: 'gw-0001',
  now: NOW,
  renewAt: () => undefined,
});

describe('what Azure issued is taken, and sent to the hub with its CA and without the root', () => {
  for (const [what, sent] of [
    ['leaf, CA, root', () => base64(leaf, ica, root)],
    ['leaf, CA', () => base64(leaf, ica)],
    ['root first', () => base64(root, ica, leaf)],
    ['any order', () => base64(ica, leaf, root)],
    ['the body of a hub', () => ({ correlationId: 'c', certificates: base64(leaf, ica, root) })],
  ] as const) {
    test(what, () => {
      const { leaf: taken } = verify(issuedPem(sent()), expected());
      assert.equal(taken.chain, leaf.pem.trimEnd().concat('\n', ica.pem.trimEnd(), '\n'));
      assert.equal(taken.issuer, 'ica-1');
    });
  }
});

describe('what Azure did not issue so', () => {
  for (const [what, sent, code, words] of [
    ['nothing', () => undefined, 'NL-DPS-NO-LEAF', /names no certificate policy, or is an individual one/],
    ['null', () => null, 'NL-DPS-NO-LEAF', /names no certificate policy/],
    ['an empty list', () => [], 'NL-LEAF-PARSE', /got an empty one/],
    ['a text', () => 'MIIB', 'NL-LEAF-PARSE', /got a text of 4 characters/],
    ['a hub without certificates', () => ({ certificates: null }), 'NL-LEAF-PARSE', /got nothing/],
    ['no texts', () => [1, 2], 'NL-LEAF-PARSE', /entry 1 of 2 is of the type number/],
    ['PEM', () => [leaf.pem, ica.pem], 'NL-LEAF-PARSE', /entry 1 of 2 is a text of \d+ characters/],
    ['base64 of something else', () => ['AAAA', 'AAAA'], 'NL-LEAF-PARSE', /cannot be read/],
    ['the leaf alone', () => base64(leaf), 'NL-LEAF-CHAIN', /with the CA that issued it; Azure sent one certificate/],
    ['a leaf for another key', () => base64(foreign, ica, root), 'NL-LEAF-KEY', /Expected the key EC P-256 \(SHA-256/],
    [
      'another CN',
      () => base64(misnamed, ica, root),
      'NL-LEAF-CN',
      /Expected the CN "gw-0001"; delivered was "gw-0002"/,
    ],
    ['a leaf that is not valid yet', () => base64(later, ica, root), 'NL-LEAF-NOT-YET', /is valid from/],
  ] as const) {
    test(`${what} is ${code}`, () => {
      assert.throws(
        () => verify(issuedPem(sent()), expected()),
        (fault) => fault instanceof Fault && fault.failure.code === code && words.test(fault.message),
      );
    });
  }
});
