import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { EarlyChain } from '../../../agent/keys/early-chain.ts';
import { createJudge, givenLeaf } from '../../../agent/keys/judge.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import type { Token } from '../../../hsm/token.ts';
import { DAY, type Minted, mint, mintCa, NOW } from '../certificate/mint.ts';

const SHARE = { share: 0.5 };
const root = await mintCa();
/** Of 30 days, 20 have passed. */
const due = await mint({ by: root, notBefore: NOW - 20 * DAY, notAfter: NOW + 10 * DAY, eku: ['1.3.6.1.5.5.7.3.2'] });
const chain = due.pem + root.pem;

/** A token with the key of this leaf, and with certificates beside it. */
function options({ spki }: Minted, found: { readonly isGone?: true; readonly certificates?: readonly Buffer[] } = {}) {
  const key: PublicKey = { label: 'factory', id: 'f0', spki, keyType: 'ec-p256' };
  const said: string[] = [];
  const note = ({ event }: { readonly event: string }) => void said.push(event);
  const token = {
    name: { label: 'newleaf' },
    findById: async (id: string) => (id === key.id ? key : undefined),
    findByUri: async () => key,
    usable: async () => (found.isGone ? [] : [key]),
    certificates: async () => found.certificates ?? [],
  } as unknown as Token;
  const log = { error: note, warn: note, info: note, debug: note };
  const judging = { token, registrationId: 'gw-0001', current: () => undefined, now: () => NOW, log };
  return { said, judging: { ...judging, early: new EarlyChain() } };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'good',
    (error: unknown) => (error instanceof Fault ? error.failure.code : String(error)),
  );

test('an issuer that gives a leaf which is due already is refused; a factory leaf that is due serves', async () => {
  const { judging } = options(due, { certificates: [due.der, root.der] });
  assert.equal(await codeOf(createJudge(judging, SHARE)(chain, { slot: 'b', id: 'f0' })), 'NL-LEAF-VALIDITY');
  const leaf = await givenLeaf(judging, 'pkcs11:object=factory', undefined);
  assert.deepEqual(leaf?.key, { slot: 'given', id: 'f0' });
});

test('a leaf for a key that the token does not have', async () => {
  const { judging } = options(due);
  assert.equal(await codeOf(createJudge(judging, 'off')(chain, { slot: 'b', id: 'g9' })), 'NL-TOKEN-KEY');
});

/** What OpenSSL answers to a good leaf, the verdict, and what is logged. */
const VERDICTS: readonly (readonly [string, () => Promise<string | undefined>, string, readonly string[]])[] = [
  ['accepts', async () => undefined, 'good', []],
  ['does not accept', async () => 'UNSPECIFIED', 'NL-LEAF-CHAIN', []],
  [
    'cannot be asked about',
    () => Promise.reject(new TokenError('failed', 'CHILD_ENDED', 'x')),
    'good',
    ['chain-unjudged'],
  ],
];
for (const [does, answer, verdict, logged] of VERDICTS) {
  test(`a leaf that OpenSSL ${does}: ${verdict}`, async () => {
    const { judging, said } = options(due);
    const shown: object[] = [];
    const judge = createJudge(judging, 'off', (one) => {
      shown.push(one);
      return answer();
    });
    assert.equal(await codeOf(judge(chain, { slot: 'b', id: 'f0' })), verdict);
    const [leaf, anchor] = [due, root].map(({ der }) => new X509Certificate(der).toString());
    assert.deepEqual([shown, said], [[{ id: 'f0', chain: leaf, anchor }], logged]);
  });
}

test('of the ways up, those that OpenSSL accepts are kept', async () => {
  const { judging } = options(due);
  const cross = await mintCa({ keys: root.keys, by: await mintCa({ subject: 'CN=Other' }) });
  const pem = ({ der }: Minted) => new X509Certificate(der).toString();
  const judged = (refused: string) =>
    createJudge(judging, 'off', async ({ anchor }) => (anchor === refused ? 'UNSPECIFIED' : undefined))(
      chain + cross.pem,
      { slot: 'b', id: 'f0' },
    );
  const both = await judged('');
  assert.deepEqual([both.chain, both.otherChains], [pem(due) + pem(cross), [pem(due)]]);
  const one = await judged(pem(cross));
  assert.deepEqual([one.chain, one.otherChains], [pem(due), undefined]);
});

test('a token that hangs is waited for once, however many ways up there are', async () => {
  const { judging, said } = options(due);
  const cross = await mintCa({ keys: root.keys, by: await mintCa({ subject: 'CN=Other' }) });
  const hangs = () => Promise.reject(new TokenError('failed', 'CHILD_TIMEOUT', 'x'));
  const leaf = await createJudge(judging, 'off', hangs)(chain + cross.pem, { slot: 'b', id: 'f0' });
  assert.deepEqual([leaf.otherChains?.length, said], [1, ['chain-unjudged']]);
});

/** What a gateway begins with, and the slot of its leaf. */
const BEGINNINGS: readonly (readonly [string, string | undefined, string | undefined, object, string | undefined])[] = [
  ['nothing is configured', undefined, undefined, {}, undefined],
  ['a key without a certificate', 'pkcs11:object=factory', undefined, {}, undefined],
  ['a key, and an adopted leaf', 'pkcs11:object=factory', chain, {}, 'given'],
  ['an adopted leaf, whose key was put into the token', undefined, chain, {}, 'a'],
  ['an adopted leaf that is damaged', undefined, chain.slice(0, 60), {}, undefined],
  ['a key, and an adopted leaf that is damaged', 'pkcs11:object=factory', chain.slice(0, -9), {}, undefined],
  ['an adopted leaf, whose key has been destroyed since', undefined, chain, { isGone: true }, undefined],
];
for (const [what, uri, adopted, found, slot] of BEGINNINGS) {
  test(`${what}: ${slot === undefined ? 'no leaf' : `a leaf in slot ${slot}`}`, async () => {
    const { judging, said } = options(due, found);
    assert.equal((await givenLeaf(judging, uri, adopted))?.key.slot, slot);
    assert.deepEqual(said, [
      ...(adopted !== undefined && adopted !== chain ? ['adopted-leaf-damaged'] : []),
      ...(uri !== undefined && slot === undefined ? ['given-key-without-leaf'] : []),
    ]);
  });
}
