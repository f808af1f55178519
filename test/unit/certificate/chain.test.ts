import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { linkUp, sentOf } from '../../../agent/certificate/chain.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { DAY, type Minted, mint, mintCa, NOW, rsa } from './mint.ts';

let root: Minted;
let upper: Minted;
let lower: Minted;
let leaf: Minted;

before(async () => {
  root = await mintCa();
  upper = await mintCa({ subject: 'CN=Upper', by: root });
  lower = await mintCa({ subject: 'CN=Lower', by: upper });
  leaf = await mint({ by: lower });
});

const read = ({ der }: Minted): X509Certificate => new X509Certificate(der);

function linked(delivered: readonly Minted[], first = leaf): { subjects: string[]; notes: string[] } {
  const { path, notes } = linkUp(read(first), delivered.map(read), NOW);
  return { subjects: sentOf(path).map(({ subject }) => subject), notes };
}

function refusal(delivered: readonly Minted[], first = leaf): { code: string; message: string } {
  try {
    linked(delivered, first);
  } catch (error) {
    assert.ok(error instanceof Fault, `threw ${error}`);
    return error.failure;
  }
  return assert.fail('it was accepted');
}

const inOrder = ['CN=gw-0001', 'CN=Lower', 'CN=Upper'];
const orders: [string, () => Minted[], string[]][] = [
  ['as TLS wants it', () => [leaf, lower, upper], inOrder],
  ['reversed, with the root, which is not sent', () => [root, upper, lower, leaf], inOrder],
  ['shuffled', () => [upper, leaf, root, lower], inOrder],
  ['one certificate twice', () => [leaf, lower, lower, upper, leaf], inOrder],
  ['the leaf alone', () => [leaf], ['CN=gw-0001']],
  ['up to where it is delivered', () => [leaf, lower], ['CN=gw-0001', 'CN=Lower']],
];

for (const [what, delivered, subjects] of orders) {
  test(`linked up: ${what}`, () => {
    assert.deepEqual(linked(delivered()), { subjects, notes: [] });
  });
}

test('linked up: a self-signed leaf alone, as in an individual enrollment', async () => {
  const alone = await mint();
  assert.deepEqual(linked([alone], alone), { subjects: ['CN=gw-0001'], notes: [] });
});

test('an unrelated certificate is dropped with a note, even where nothing about it is in order', async () => {
  const stray = await mintCa({ subject: 'CN=Stray', notAfter: NOW - DAY, keys: await rsa(1024) });
  assert.deepEqual(linked([stray, leaf, lower, upper]), {
    subjects: inOrder,
    notes: ['"CN=Stray" was dropped: it issued neither the leaf nor one of its issuers.'],
  });
});

test('after a CA has been rolled under the same name, the one that signed is found', async () => {
  const before = await mintCa({ subject: 'CN=Lower', by: upper });
  const { subjects, notes } = linked([before, leaf, upper, lower]);
  assert.deepEqual(subjects, inOrder);
  assert.equal(notes.length, 1);
});

test('a cross certificate is sent rather than the root with the same key', async () => {
  const old = await mintCa({ subject: 'CN=Old Root' });
  const cross = await mintCa({ subject: 'CN=Root', keys: root.keys, by: old });
  const direct = await mint({ by: root });
  assert.deepEqual(linked([direct, root, cross], direct).subjects, ['CN=gw-0001', 'CN=Root']);
  const expired = await mintCa({ subject: 'CN=Root', keys: root.keys, by: old, notAfter: NOW - DAY });
  assert.deepEqual(linked([direct, expired, root], direct).subjects, ['CN=gw-0001']);
});

test('of several ways up, that of the current leaf goes first; the others are told, but for those that lead nowhere', async () => {
  const [one, two] = [await mintCa({ subject: 'CN=One' }), await mintCa({ subject: 'CN=Two' })];
  const issuing = (by: Minted, wish: object = {}) => mintCa({ subject: 'CN=Lower', keys: lower.keys, by, ...wish });
  const [byOne, byTwo] = [await issuing(one), await issuing(two)];
  const forged = [await issuing(await mintCa({ subject: 'CN=Three' })), await mintCa({ subject: 'CN=Three' })];
  const unfit = [await issuing(one, { notAfter: NOW - DAY }), await issuing(one, { ku: ['cRLSign'] })];
  const useless = [...forged, ...unfit];
  const ways = (current: readonly Minted[]) => {
    const delivered = [leaf, ...useless, byTwo, one, byOne, two].map(read);
    const { path, otherPaths, notes } = linkUp(read(leaf), delivered, NOW, current.map(read));
    assert.equal(notes.length, useless.length);
    return [path, ...otherPaths].map((way) => way.at(-1)?.subject);
  };
  assert.deepEqual(ways([]), ['CN=Two', 'CN=One'], 'as they were delivered');
  assert.deepEqual(ways([await mint({ by: byOne }), byOne]), ['CN=One', 'CN=Two']);
  assert.deepEqual(ways([await mint({ by: byTwo }), byTwo]), ['CN=Two', 'CN=One']);
  const renewed = await issuing(one, { notAfter: NOW + DAY });
  assert.deepEqual(ways([leaf, renewed]), ['CN=One', 'CN=Two'], 'by its name and that of its issuer');
});

test('refused: ways up without number, none of which holds', async () => {
  const expired = await mintCa({ subject: 'CN=Expired', notAfter: NOW - DAY });
  let above = [expired];
  const delivered = [expired];
  for (let level = 0; level < 12; level += 1) {
    const { keys } = await mint();
    const certify = (_: unknown, at: number) =>
      mintCa({ subject: `CN=${level}`, keys, by: above[at % above.length] as Minted });
    above = await Promise.all(Array.from({ length: 4 }, certify));
    delivered.push(...above);
  }
  const [issuer] = above;
  assert.ok(issuer);
  const { code, message } = refusal(delivered, await mint({ by: issuer }));
  assert.deepEqual([code, /valid now|more ways up/.test(message)], ['NL-LEAF-CHAIN', true], message);
});

test('two CAs that certify each other do not make it go round for ever', async () => {
  const back = await mintCa({ subject: 'CN=Upper', keys: upper.keys, by: lower });
  assert.deepEqual(linked([leaf, lower, back]).subjects, inOrder);
});

test('refused: the delivered issuer did not sign', async () => {
  const impostor = await mintCa({ subject: 'CN=Lower' });
  const { code, message } = refusal([leaf, impostor]);
  assert.equal(code, 'NL-LEAF-CHAIN');
  assert.match(message, /"CN=gw-0001" to be signed by its issuer "CN=Lower"; it is not signed by the delivered/);
  assert.ok(message.includes(read(impostor).fingerprint256.replaceAll(':', '')));
});

test('refused: a forged intermediate further up', async () => {
  const { code, message } = refusal([leaf, lower, await mintCa({ subject: 'CN=Upper' })]);
  assert.equal(code, 'NL-LEAF-CHAIN');
  assert.match(message, /"CN=Lower" to be signed by its issuer "CN=Upper"/);
});

test('refused: an issuer that is no CA', async () => {
  const server = await mint({ subject: 'CN=Server', ca: false, by: root });
  const { code, message } = refusal([server], await mint({ by: server }));
  assert.equal(code, 'NL-LEAF-CHAIN');
  assert.match(message, /issuer "CN=Server" to be a CA; its certificate lacks basicConstraints CA:TRUE/);
  const unfit = await mintCa({ subject: 'CN=Unfit', ku: ['cRLSign'], by: root });
  assert.match(
    refusal([unfit], await mint({ by: unfit })).message,
    /"CN=Unfit" to be a CA; its key usage lacks keyCertSign/,
  );
});

test('refused: an issuer that has expired', async () => {
  const expired = await mintCa({ subject: 'CN=Expired', by: root, notAfter: NOW - 1000 });
  const { code, message } = refusal([expired, root], await mint({ by: expired }));
  assert.equal(code, 'NL-LEAF-CHAIN');
  assert.match(message, /valid now \(2030-06-01T00:00:00.000Z\); it expired at 2030-05-31T23:59:59.000Z/);
});

test('refused: an intermediate with a weak key, or signed with SHA-1', async () => {
  const keys = await rsa(1024);
  const short = await mintCa({ subject: 'CN=Short', keys, by: root });
  assert.equal(refusal([short], await mint({ by: short })).code, 'NL-LEAF-WEAK');
  const sha1 = await mintCa({ subject: 'CN=Sha1', by: root, signing: { name: 'ECDSA', hash: 'SHA-1' } });
  const { code, message } = refusal([sha1], await mint({ by: sha1 }));
  assert.equal(code, 'NL-LEAF-WEAK');
  assert.match(message, /"CN=Sha1" is signed with ecdsa-with-SHA1/);
});

test('the signature of a root on itself does not matter', async () => {
  const old = await mintCa({ signing: { name: 'ECDSA', hash: 'SHA-1' } });
  const direct = await mint({ by: old });
  assert.deepEqual(linked([direct, old], direct), { subjects: ['CN=gw-0001'], notes: [] });
});
