import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keysIn } from '../../../../agent/cli/decommission/keys.ts';
import { TokenError } from '../../../../hsm/ckr.ts';
import type { Generation } from '../../../../hsm/token.ts';
import { mint } from '../../certificate/mint.ts';
import { key, tokenWith } from '../gateway.ts';

const CN = 'gw-0002';
const GIVEN = 'pkcs11:object=factory';
const made = { sensitive: true, extractable: false, alwaysSensitive: true, neverExtractable: true, local: true };
const imported = { ...made, alwaysSensitive: false, neverExtractable: false, local: false };

type Objects = Readonly<Record<string, readonly Generation[]>>;
const tokenOf = (objects: Objects, given = 'ff') =>
  tokenWith({
    generations: async (label) => objects[label] ?? [],
    certificates: async () => [],
    findByUri: async () => ({ ...key, label: 'factory', id: given }),
  });

describe('what decommission destroys', () => {
  const rows: readonly (readonly [name: string, objects: Objects, own: readonly string[], kept: readonly string[]])[] =
    [
      ['nothing', {}, [], []],
      ['one key', { 'newleaf-a': [{ id: '01', protection: made }] }, ['newleaf-a 01'], []],
      [
        'both, and what a power cut has left',
        { 'newleaf-a': [{ id: '01', protection: made }, { id: '02' }], 'newleaf-b': [{ id: '03', protection: made }] },
        ['newleaf-a 01', 'newleaf-a 02', 'newleaf-b 03'],
        [],
      ],
      ['not what somebody put there', { 'newleaf-a': [{ id: '01', protection: imported }] }, [], ['newleaf-a']],
      [
        'not what a token knows nothing of',
        { 'newleaf-b': [{ id: '01', protection: { ...made, neverExtractable: undefined } }] },
        [],
        ['newleaf-b'],
      ],
      [
        'not what cannot be named',
        { 'newleaf-b': [{ id: '' }, { id: '', protection: made }] },
        [],
        ['newleaf-b', 'newleaf-b'],
      ],
      [
        'the onboarding key that newleaf made',
        { 'newleaf-onboarding': [{ id: '04', protection: made }] },
        ['newleaf-onboarding 04'],
        [],
      ],
      ['not under other labels', { 'newleaf-c': [{ id: '01', protection: made }] }, [], []],
    ];
  for (const [name, objects, own, kept] of rows) {
    test(name, async () => {
      const found = await keysIn(tokenOf(objects), 'newleaf', undefined, { cn: CN });
      assert.deepEqual(
        found.own.map(({ label, id }) => `${label} ${id}`),
        own,
      );
      assert.deepEqual(
        found.kept.map(({ label }) => label),
        kept,
      );
    });
  }

  test('the setting that names it is told: onboarding.key, where Azure issues the leaves', async () => {
    const found = await keysIn(tokenOf({}), 'newleaf', GIVEN, { cn: CN, setting: 'onboarding.key' });
    assert.deepEqual(found.kept, [{ label: 'factory', why: 'it was there before newleaf (onboarding.key)' }]);
  });

  test('never the key that was given to newleaf, whatever its label', async () => {
    const objects = {
      'newleaf-a': [
        { id: 'ff', protection: made },
        { id: '01', protection: made },
      ],
    };
    const { own, kept } = await keysIn(tokenOf(objects), 'newleaf', GIVEN, { cn: CN });
    assert.deepEqual(own, [{ label: 'newleaf-a', id: '01' }]);
    assert.deepEqual(
      kept.map(({ label }) => label),
      ['factory'],
    );
  });

  test('what the journal names, also under a label of before', async () => {
    const token = tokenWith({
      generations: async (label) =>
        label === 'old-a'
          ? [
              { id: '0a1b', protection: made },
              { id: '02', protection: made },
            ]
          : [],
      certificates: async () => [],
      usable: async () => [
        { ...key, label: 'old-a', id: '0a1b' },
        { ...key, label: 'old-a', id: '02' },
        { ...key, label: 'another', id: '03' },
      ],
    });
    const { own, kept } = await keysIn(token, 'nl2', undefined, { cn: CN, known: ['0a1b', '0c'] });
    assert.deepEqual([own, kept], [[{ label: 'old-a', id: '0a1b' }], []]);
  });

  test('of several with the CKA_ID that the journal names, the one with our label; and none where no label tells', async () => {
    const called = (...names: readonly string[]) =>
      tokenWith({
        generations: async (label) => (names.includes(label) ? [{ id: '0a', protection: made }] : []),
        certificates: async () => [],
        usable: async () => names.map((label) => ({ ...key, label, id: '0a' })),
      });
    const labelsOf = async (...names: readonly string[]) => {
      const { own, kept } = await keysIn(called(...names), 'newleaf', undefined, { cn: CN, known: ['0a'] });
      return [own, kept].map((some) => some.map(({ label }) => label));
    };
    assert.deepEqual(await labelsOf('another', 'newleaf-a'), [['newleaf-a'], ['another']]);
    assert.deepEqual(await labelsOf('another', 'old-a'), [[], ['another', 'old-a']]);
  });

  test('not what has a certificate of another device: settings were copied', async () => {
    const certificate = (await mint({ subject: 'CN=gw-0001' })).der;
    const objects = { 'newleaf-a': [{ id: '01', protection: made }], 'newleaf-b': [{ id: '02', protection: made }] };
    const certificates = async (id: string) => (id === '01' ? [certificate] : [Buffer.from('no certificate')]);
    const { own, kept } = await keysIn(tokenWith({ ...tokenOf(objects), certificates }), 'newleaf', undefined, {
      cn: CN,
    });
    assert.deepEqual(own, [{ label: 'newleaf-b', id: '02' }]);
    assert.deepEqual(kept, [{ label: 'newleaf-a', why: 'its certificate is that of gw-0001' }]);
  });

  test('where the journal can be read, no key that only a label tells of: until a person names it', async () => {
    const objects = { 'newleaf-a': [{ id: '01', protection: made }], 'newleaf-b': [{ id: '0b', protection: made }] };
    const token = tokenWith({
      ...tokenOf(objects),
      usable: async () => [
        { ...key, label: 'newleaf-a', id: '01' },
        { ...key, label: 'newleaf-b', id: '0b' },
      ],
    });
    const labelsOf = async (known: readonly string[], named: readonly string[] = []) => {
      const { own, kept } = await keysIn(token, 'newleaf', undefined, { cn: CN, known, named });
      return [own.map(({ label }) => label), kept.map(({ label, why }) => [label, /`(.*)`/.exec(why)?.[1]])];
    };
    assert.deepEqual(await labelsOf([]), [
      [],
      [
        ['newleaf-a', 'newleaf decommission --key-id 01'],
        ['newleaf-b', 'newleaf decommission --key-id 0b'],
      ],
    ]);
    assert.deepEqual(await labelsOf(['01']), [['newleaf-a'], [['newleaf-b', 'newleaf decommission --key-id 0b']]]);
    assert.deepEqual(await labelsOf(['01'], ['0b']), [['newleaf-a', 'newleaf-b'], []]);
    const certificate = (await mint({ subject: `CN=${CN}` })).der;
    const named = { ...token, certificates: async (id: string) => (id === '0b' ? [certificate] : []) };
    const { own } = await keysIn(tokenWith(named), 'newleaf', undefined, { cn: CN, known: ['01'] });
    assert.deepEqual(
      own.map(({ label }) => label),
      ['newleaf-a', 'newleaf-b'],
      'its certificate has our name',
    );
  });

  const failing = (code: string) =>
    tokenWith({
      generations: async () => [],
      findByUri: async () => {
        throw new TokenError('key', code, code);
      },
    });

  test('a given key that is not there is not in the way', async () => {
    assert.deepEqual(await keysIn(failing('KEY_NOT_FOUND'), 'newleaf', GIVEN, { cn: CN }), {
      own: [],
      kept: [],
      theirs: undefined,
    });
  });

  test('nothing at all where it is not clear which key was given', async () => {
    await assert.rejects(keysIn(failing('KEY_AMBIGUOUS'), 'newleaf', GIVEN, { cn: CN }), { code: 'KEY_AMBIGUOUS' });
  });
});
