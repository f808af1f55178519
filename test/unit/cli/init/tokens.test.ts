import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newKinds } from '../../../../agent/cli/init/new-token.ts';
import { judgeFlags } from '../../../../agent/cli/init/settings.ts';
import { tokenByFlags } from '../../../../agent/cli/init/token.ts';
import { type Survey, survey } from '../../../../agent/cli/proof/survey.ts';
import { hindrance, rootsOnlyInWords, tokenInWords } from '../../../../agent/cli/proof/token-words.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { TokenError } from '../../../../hsm/ckr.ts';
import type { SeenToken } from '../../../../hsm/slots.ts';
import { CARD, type SceneOptions, SOFTHSM, scene, surveyed, token } from './stage.ts';

const TPM = { name: 'TPM', path: '/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so' };
const free = token('', { isInitialised: false, hasPin: false });

test('every module is looked into, and one that breaks is named', async () => {
  const seen: Readonly<Record<string, () => Promise<readonly SeenToken[]>>> = {
    [SOFTHSM.path]: async () => [token('a'), token('b', { serial: '02' }), free],
    [TPM.path]: async () => {
      throw new Fault('NL-TOKEN-HUNG', { message: `PKCS#11 module ${TPM.path} ended its process (SIGSEGV).` });
    },
    [CARD.path]: async () => [],
  };
  const found = await survey([SOFTHSM, TPM, CARD], (module) => seen[module]?.() ?? Promise.reject());
  assert.deepEqual(
    found.tokens.map(({ token: { label } }) => label),
    ['a', 'b'],
  );
  assert.deepEqual(
    found.free.map(({ module }) => module),
    [SOFTHSM],
  );
  assert.deepEqual(found.useless, [
    { module: TPM, why: 'ended its process (SIGSEGV)', isBroken: true },
    { module: CARD, why: 'it shows no token', isBroken: false },
  ]);
});

test('a token that two modules show is listed once', async () => {
  const found = await survey([SOFTHSM, CARD], async () => [token('a'), token('b', { serial: '' })]);
  assert.deepEqual(
    found.tokens.map(({ module, token: { label } }) => [module.name, label]),
    [
      ['SoftHSM', 'a'],
      ['SoftHSM', 'b'],
      ['smart card', 'b'],
    ],
  );
});

test('a token that somebody made as root is found with the seer of root', async () => {
  const shows =
    (...seen: readonly SeenToken[]) =>
    async () =>
      seen;
  const found = await survey([SOFTHSM], shows(free), shows(token('a'), free));
  assert.deepEqual([found.tokens, found.free.length], [[], 1]);
  assert.deepEqual(found.rootsOnly.map(rootsOnlyInWords), [
    'token "a" (SoftHSM): only root can use it, and the daemon is not root; `chown -R newleaf: /var/lib/softhsm/tokens`, if it is for newleaf alone',
  ]);
});

test('a module that works for root, and not for the daemon, is told so', async () => {
  const tokens = async () => {
    throw new TokenError('failed', 'CKR_GENERAL_ERROR', 'Listing the tokens: it does not work.');
  };
  const [first] = (await survey([SOFTHSM], tokens, async () => [token('a')])).useless;
  assert.equal(first?.why, 'it does not work; as root it works, so the user of the daemon lacks a right');
});

describe('a token in words', () => {
  const rows: readonly (readonly [change: Partial<SeenToken>, words: RegExp, isUsable: boolean])[] = [
    [{}, /^token "gw" \(SoftHSM: SoftHSM v2, serial 01\): needs its PIN$/, true],
    [{ isCountLow: true }, /needs its PIN; a wrong PIN was tried$/, true],
    [{ needsLogin: false, hasPin: false }, /needs no PIN$/, true],
    [{ hasPin: false }, /no user PIN yet/, false],
    [{ isLocked: true }, /its PIN is locked/, false],
    [{ hasPinPad: true }, /typed at the reader/, false],
    [{ model: '', serial: '' }, /no model, serial none/, true],
  ];
  for (const [change, words, isUsable] of rows) {
    test(JSON.stringify(change), () => {
      const shown = { module: SOFTHSM, token: token('gw', change) };
      assert.match(tokenInWords(shown), words);
      assert.equal(hindrance(shown.token) === undefined, isUsable);
    });
  }
});

test('new tokens are offered where there is a slot for them, the TPM first', () => {
  const kinds = (...modules: readonly (typeof SOFTHSM)[]) =>
    newKinds(surveyed({ free: modules.map((module) => ({ module, token: free })) })).map(({ kind }) => kind);
  assert.deepEqual(kinds(SOFTHSM, TPM), ['tpm', 'softhsm']);
  assert.deepEqual(kinds(CARD), []);
});

describe('the token that flags and configuration name', () => {
  const a = { module: SOFTHSM, token: token('a') };
  const b = { module: SOFTHSM, token: token('b', { serial: '02' }) };
  const twin = { module: SOFTHSM, token: token('a', { serial: '03' }) };
  const card = { module: CARD, token: token('a', { serial: '04' }) };
  const locked = { module: CARD, token: token('locked', { isLocked: true }) };
  const slot = { module: SOFTHSM, token: free };
  const broken = (path: string, why: string) => ({ module: { name: 'named', path }, why, isBroken: true });
  const rows: readonly (readonly [what: string, options: SceneOptions, found: Partial<Survey>, expected: unknown])[] = [
    ['the only one', {}, { tokens: [a] }, a],
    ['the only usable one', {}, { tokens: [a, locked] }, a],
    ['none of two', {}, { tokens: [a, b] }, /cannot ask which token.*"a".*"b".*--token LABEL/s],
    ['none at all', {}, {}, /Tokens here: none\..*--new-token softhsm/s],
    ['by label', { flags: { token: 'b' } }, { tokens: [a, b] }, b],
    ['by URI', { flags: { token: 'pkcs11:serial=03' } }, { tokens: [a, twin] }, twin],
    ['by module', { flags: { token: 'a', module: CARD.path } }, { tokens: [a, card] }, card],
    ['configured', { configured: { 'hsm.module': SOFTHSM.path, 'hsm.token': 'a' } }, { tokens: [card, a, b] }, a],
    ['a label that two have', { flags: { token: 'a' } }, { tokens: [a, twin] }, /cannot ask which token/],
    ['one that is not there', { flags: { token: 'c' } }, { tokens: [a] }, /NL-CONFIG There is no usable token c\./],
    [
      'a configured one that is not there',
      { configured: { 'hsm.token': 'c' } },
      { tokens: [a] },
      /NL-TOKEN-MISSING There is no usable token c\./,
    ],
    [
      'a configured one that its module does not show',
      { configured: { 'hsm.token': 'c' } },
      { hidden: { message: 'FILE is damaged.', advice: 'Put it back.' } },
      /NL-TOKEN-MISSING There is no usable token c\. Tokens here: none\. FILE is damaged\..*Put it back\./,
    ],
    ['one that is locked', { flags: { token: 'locked' } }, { tokens: [locked] }, /NL-CONFIG .*its PIN is locked/],
    ['to be made', { flags: { 'new-token': 'softhsm' } }, { tokens: [a], free: [slot] }, 'softhsm'],
    ['made before', { flags: { 'new-token': 'softhsm', token: 'b' } }, { tokens: [a, b], free: [slot] }, b],
    [
      'to be made, and a module that is a directory',
      { flags: { 'new-token': 'softhsm', module: '/etc' } },
      { tokens: [a], free: [slot], useless: [broken('/etc', 'cannot be loaded')] },
      /^Fault: NL-CONFIG --module must be a file: \/etc is a directory\. See: `newleaf init --help`$/,
    ],
    [
      'in a module that is none',
      { flags: { token: 'a', module: '/etc/passwd' } },
      { tokens: [a], useless: [broken('/etc/passwd', 'cannot be loaded: no ELF')] },
      /--module must be a PKCS#11 module that works: \/etc\/passwd cannot be loaded: no ELF\. See/,
    ],
    [
      'to be made, and a module that is not there',
      { flags: { 'new-token': 'tpm', module: '/nowhere.so' } },
      { useless: [broken('/nowhere.so', 'PKCS#11 module /nowhere.so cannot be loaded')] },
      /--module must be a file that is there: there is no \/nowhere\.so\. See/,
    ],
  ];
  for (const [what, options, found, expected] of rows) {
    test(what, () => {
      const ask = () => tokenByFlags(scene(options).guide, surveyed(found));
      if (expected instanceof RegExp) assert.throws(ask, expected);
      else assert.deepEqual(ask(), expected);
    });
  }

  test('to be made of nothing: told before anything is looked at', () => {
    const { guide } = scene({ flags: { 'new-token': 'paper' } });
    assert.throws(() => judgeFlags(guide), /--new-token must be one of tpm, softhsm/);
  });
});
