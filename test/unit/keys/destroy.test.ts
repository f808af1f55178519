import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenError } from '../../../hsm/ckr.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { scratch } from '../state/disk.ts';
import { keysOf } from './keys-of.ts';

const key = { slot: 'b', id: '600dcafe' } as const;
const labelled = (label: string): PublicKey => ({ ...key, label, spki: Buffer.alloc(0), keyType: 'ec-p256' });

const rows: readonly (readonly [title: string, found: PublicKey | TokenError | undefined, label: string])[] = [
  ['a key is destroyed by the label of its slot', labelled('gw-b'), 'gw-b'],
  ['made under another hsm.label_prefix: by the label that it has', labelled('newleaf-b'), 'newleaf-b'],
  ['one that this process cannot see: by the label of its slot', undefined, 'gw-b'],
  [
    'a token that shows nothing any more stands in no way: the child sees for itself',
    new TokenError('poisoned', 'KEY_VANISHED', 'The key is no longer shown.'),
    'gw-b',
  ],
];

for (const [title, found, label] of rows) {
  test(title, async (t) => {
    const did: string[] = [];
    const token = {
      async findById() {
        if (found instanceof Error) throw found;
        return found;
      },
      forget: (id: string) => did.push(`forget ${id}`),
    };
    const destroy = async (...asked: readonly string[]) => void did.push(`destroy ${asked.join(' ')}`);
    const keys = keysOf(token, { prefix: 'gw', directory: scratch(t), destroy });
    await keys.destroy(key);
    assert.deepEqual(did, [`destroy ${label} 600dcafe`, 'forget 600dcafe']);
  });
}

test('a label that is told wrongly once names no key: it is not believed', async (t) => {
  const told = ['sensors', 'gw-b', 'gw-b'];
  const did: string[] = [];
  const token = { findById: async () => labelled(told.shift() ?? ''), forget: () => {} };
  const destroy = async (label: string) => void did.push(label);
  await keysOf(token, { prefix: 'gw', directory: scratch(t), destroy }).destroy(key);
  assert.deepEqual(did, ['gw-b']);
});
