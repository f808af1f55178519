import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shortfall } from '../../../../agent/cli/init/provision.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import type { Purpose } from '../../../../agent/roll/candidate.ts';
import { type RollState, unprovisioned } from '../../../../agent/roll/state.ts';
import { made, met } from '../../roll/candidates.ts';

const issuerAway = failure('NL-EST-UNREACHABLE');
const waiting = (purpose: Purpose): RollState => ({ ...unprovisioned, next: made(purpose) });

/** `automatic`: the issuer needs no person. */
const ROWS: readonly (readonly [
  what: string,
  state: RollState,
  automatic: boolean,
  code: string | undefined,
  exit: number,
])[] = [
  ['a CSR that is out, for a person', waiting('delivery'), false, undefined, 4],
  ['the same at an issuer that needs none, and goes on without', waiting('delivery'), true, undefined, 1],
  ['a key that waits for the next roll, which a person brings', waiting('spare'), false, undefined, 4],
  [
    'a key that waits for the next roll, which the issuer is asked for',
    { ...waiting('spare'), workTrouble: met(issuerAway) },
    true,
    'NL-EST-UNREACHABLE',
    1,
  ],
  ['nothing yet', unprovisioned, true, undefined, 1],
];

describe('an init that has not brought the gateway to its hub', () => {
  for (const [what, state, automatic, code, exit] of ROWS)
    test(what, () => {
      const { complaint, exit: ended } = shortfall(state, { automatic }, false);
      assert.deepEqual([complaint?.code, ended], [code, exit]);
    });
});
