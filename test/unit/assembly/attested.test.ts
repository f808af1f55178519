import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attested } from '../../../agent/assembly/foundation.ts';
import type { Config } from '../../../agent/config/config.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { type Entry, entryOf } from '../../../agent/roll/core/entry.ts';
import { blank } from '../../../agent/roll/core/memory.ts';
import { endorsed } from '../../../agent/roll/leaf.ts';
import { leafOf } from '../roll/machine.ts';
import { leafed, made } from '../roll/memories.ts';

const entry = (part: Partial<Entry>): Entry => ({ ...entryOf(blank), ...part });

const rows: readonly (readonly [what: string, Entry | 'absent', x509: string, tpm: string])[] = [
  ['no state', 'absent', 'read', 'read'],
  ['a gateway that has not come anywhere', entry({}), 'read', 'read'],
  ['a leaf', entry({ current: leafOf('g0', 'a') }), 'read', 'NL-CONFIG'],
  ['a key in the TPM', entry({ current: endorsed('gw-1', 'E'.repeat(64)) }), 'NL-CONFIG', 'read'],
  ['a first leaf that no hub has proven', entry({ next: leafed(leafOf('g0', 'a')) }), 'read', 'NL-CONFIG'],
  // Under a TPM nobody would ever ask for that leaf, nor register with the TPM: there is a candidate already.
  [
    'a first leaf that no issuer has given',
    entry({ next: made('provisioning', { slot: 'a', id: 'g0' }) }),
    'read',
    'NL-CONFIG',
  ],
];

for (const [index, attestation] of (['x509', 'tpm'] as const).entries()) {
  describe(`dps.attestation is "${attestation}", and the state is that of`, () => {
    for (const [what, found, ...expected] of rows) {
      test(`${what}: ${expected[index]}`, async () => {
        const config = { dps: { attestation }, state: { directory: '/state' } } as Config;
        const journal = attested({ read: async () => found, write: async () => {} }, config);
        const met = await journal.read().then(
          (read) => (read === found ? 'read' : 'something else'),
          (error) => (error instanceof Fault ? error.failure.code : String(error)),
        );
        assert.equal(met, expected[index]);
      });
    }
  });
}

test('it still tells whether the state file is there: one that a person has deleted is written again', () => {
  const config = { dps: { attestation: 'x509' }, state: { directory: '/state' } } as Config;
  const journal = { read: async () => entry({}), write: async () => {}, isThere: () => false };
  assert.equal(attested(journal, config).isThere?.(), false);
});
