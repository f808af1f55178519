import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verify } from '../../../agent/certificate/verify.ts';
import { newerLeaf } from '../../../agent/keys/newer.ts';
import type { KeyRef, Leaf } from '../../../agent/roll/leaf.ts';
import { DAY, mint, NOW } from '../certificate/mint.ts';
import { scratch } from '../state/disk.ts';

const ca = await mint({ subject: 'CN=CA', ca: true });
const before = await mint({ by: ca, notBefore: NOW - 3 * DAY });
const newer = await mint({ by: ca, notBefore: NOW - DAY });
const stranger = await mint({ by: ca, subject: 'CN=gw-0002', notBefore: NOW - DAY });
const older = await mint({ by: ca, notBefore: NOW - 5 * DAY });
const KEYS = new Map([before, newer, stranger, older].map((one, at): [string, typeof one] => [`0${at}`, one]));

const leafOf = (chain: string, key: KeyRef): Leaf => {
  const spki = KEYS.get(key.id)?.spki ?? Buffer.alloc(0);
  return verify(chain, { key, spki, cn: 'gw-0001', now: NOW, renewAt: () => undefined }).leaf;
};
const lost: Leaf = { ...leafOf(before.pem, { slot: 'a', id: '00' }), key: { slot: 'a', id: '99' } };

const rows: readonly (readonly [
  what: string,
  ids: readonly (string | undefined)[],
  beside: boolean,
  found?: string,
])[] = [
  ['nothing', [], true],
  ['a key with a newer leaf beside it', [undefined, '01'], true, '01'],
  ['the same in the other place', ['01', undefined], true, '01'],
  ['a key without a certificate', [undefined, '01'], false],
  ['a leaf that begins when it did, as its CA rounds', ['00'], true, '00'],
  ['an older leaf', ['03'], true],
  ['a leaf of another gateway', ['02'], true],
  ['one of another gateway, and one of this', ['02', '01'], true, '01'],
];

for (const [what, ids, isBeside, found] of rows) {
  test(`the key of the leaf is lost, and the token has ${what}`, async (t) => {
    const idOf = (label: string) => ids[label.endsWith('-b') ? 1 : 0];
    const token = {
      find: async (label: string) => {
        const id = idOf(label);
        const spki = KEYS.get(id ?? '')?.spki;
        return id === undefined || spki === undefined ? undefined : ({ label, id, spki, keyType: 'ec-p256' } as const);
      },
      certificates: async (id: string) => (isBeside ? [KEYS.get(id)?.der ?? Buffer.alloc(0)] : []),
    };
    const judge = async (chain: string | Uint8Array, key: KeyRef) => leafOf(String(chain), key);
    const sought = { token, judge, labels: ['newleaf-a', 'newleaf-b'], directory: scratch(t) };
    assert.equal((await newerLeaf(sought, lost))?.key.id, found);
  });
}
