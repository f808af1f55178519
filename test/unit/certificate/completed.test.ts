import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { linkUp, sentOf } from '../../../agent/certificate/chain.ts';
import { verify } from '../../../agent/certificate/verify.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { DAY, type Minted, mint, mintCa, NOW, spkiOf } from './mint.ts';

/** Root, upper and lower CA, and the leaf of before; the next leaf is of the same CA. */
let root: Minted;
let upper: Minted;
let lower: Minted;
let current: readonly Minted[];
let next: Minted;

before(async () => {
  root = await mintCa();
  upper = await mintCa({ subject: 'CN=Upper', by: root });
  lower = await mintCa({ subject: 'CN=Lower', by: upper });
  current = [await mint({ by: lower }), lower, upper];
  next = await mint({ by: lower });
});

const read = ({ der }: Minted): X509Certificate => new X509Certificate(der);

function linked(delivered: readonly Minted[], known: readonly Minted[] = current) {
  const [first] = delivered;
  assert.ok(first);
  const { path, notes } = linkUp(read(first), delivered.map(read), NOW, known.map(read));
  return { subjects: sentOf(path).map(({ subject }) => subject), notes };
}
const CHAIN = ['CN=gw-0001', 'CN=Lower', 'CN=Upper'];
const taken = (name: string): string =>
  `"CN=${name}" was not delivered: it is taken from the chain of the current leaf.`;

test('a leaf that comes alone gets the intermediates of the current one', () => {
  assert.deepEqual(linked([next]), { subjects: CHAIN, notes: [taken('Lower'), taken('Upper')] });
});

test('so does a chain that is too short', () => {
  assert.deepEqual(linked([next, lower]), { subjects: CHAIN, notes: [taken('Upper')] });
});

test('what was delivered goes before what is known', async () => {
  const renewed = await mintCa({ subject: 'CN=Lower', keys: lower.keys, by: root });
  const { path: chain } = linkUp(read(next), [next, renewed].map(read), NOW, current.map(read));
  assert.ok(chain[1]?.raw.equals(renewed.der));
  assert.equal(chain.length, 2, 'its issuer is a root, and no intermediate of that name is known');
});

// None of these is known to fail: the issuer may be enrolled itself, or the leaf.
for (const [what, delivered, known] of [
  ['without a current leaf', () => [next], () => []],
  ['of a CA that is new here', async () => [await mint({ by: await mintCa({ subject: 'CN=Other' }) })], () => current],
  ['that the root has signed itself', async () => [await mint({ by: root })], () => current],
  ['that is self-signed', async () => [await mint()], () => current],
  ['after one that was self-signed', () => [next], async () => [await mint()]],
  ['after one that came alone, too', () => [next], () => current.slice(0, 1)],
  [
    'whose issuer has been renewed since',
    () => [next],
    async () => [await mint(), await mintCa({ subject: 'CN=Lower', keys: lower.keys, by: upper, notAfter: NOW - DAY })],
  ],
] as const) {
  test(`a leaf alone is left alone: ${what}`, async () => {
    assert.deepEqual(linked(await delivered(), await known()), { subjects: ['CN=gw-0001'], notes: [] });
  });
}

test('refused: an issuer of that name is known as an intermediate, and is another one', async () => {
  const rekeyed = await mintCa({ subject: 'CN=Lower', by: upper });
  const alone = await mint({ by: rekeyed });
  assert.throws(
    () => linked([alone]),
    (error) => {
      assert.ok(error instanceof Fault);
      const { code, message, advice } = error.failure;
      assert.equal(code, 'NL-LEAF-CHAIN');
      assert.match(
        message,
        /^Expected "CN=gw-0001" with its issuer "CN=Lower"; it came without, and the "CN=Lower" in the chain of the current leaf \(SHA-256 [0-9A-F]{64}\) did not sign it\.$/,
      );
      assert.match(advice, /"CN=Lower"/);
      return true;
    },
  );
  assert.deepEqual(linked([alone, rekeyed]).subjects, CHAIN, 'delivered with it, it is good');
});

test('a leaf is verified with the chain of the current one', () => {
  const key = { slot: 'a', id: '01' } as const;
  const expected = { key, spki: spkiOf(next.keys), cn: 'gw-0001', now: NOW, renewAt: () => undefined };
  const pem = (minted: readonly Minted[]): string => minted.map((one) => read(one).toString()).join('');
  const { leaf } = verify(pem([next]), { ...expected, currentChain: pem(current) });
  assert.equal(leaf.chain.match(/BEGIN CERTIFICATE/g)?.length, 3);
  assert.equal(verify(pem([next]), expected).leaf.chain.match(/BEGIN CERTIFICATE/g)?.length, 1);
});
