import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS, metricsOf } from '../../../agent/daemon/metrics.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { servingState } from './gateway.ts';

for (const isBraked of [false, true]) {
  test(`each value stands below its help; braked: ${isBraked}`, () => {
    const lines = metricsOf(servingState, { isBraked }).split('\n');
    assert.ok(lines.includes(`newleaf_braked ${isBraked ? 1 : 0}`));
    const values = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/[ {]/)[0] ?? '');
    assert.ok(values.every((name) => Object.hasOwn(METRICS, name)));
  });
}

test('where Azure issues the leaves: the end of the onboarding certificate, the requests, and the issuer', () => {
  const onboarding = { told: { thumbprint: 'T', issuer: 'CN=CA', notAfter: '2027-01-01T00:00:00.000Z' }, requests: 2 };
  const text = metricsOf(servingState, { isBraked: false, onboarding }, 'azure');
  assert.match(text, /^newleaf_onboarding_not_after_seconds 1798761600$/m);
  assert.match(text, /^newleaf_azure_requests 2$/m);
  assert.match(text, /^newleaf_issuer\{issuer="azure"\} 1$/m);
  assert.match(text, /^newleaf_renewal_pending 0$/m);
});

test('a leaf that is asked for, and has not come', () => {
  const asked = { is: 'key-made', for: 'roll', key: { slot: 'b', id: '01' }, tries: 0 } as const;
  const pending = (next: NonNullable<RollState['next']>) =>
    /^newleaf_renewal_pending (.*)$/m.exec(metricsOf({ ...servingState, next }, { isBraked: false }, 'est'))?.[1];
  assert.deepEqual([pending(asked), pending({ ...asked, for: 'spare' })], ['1', '0']);
  assert.doesNotMatch(metricsOf(servingState, { isBraked: false }), /issuer|pending|azure|onboarding/);
});

test('the last outcome, and the end of the leaf, in seconds', () => {
  const ended = { id: 'r1', action: 'roll', reason: 'asked', from: 'technician', endedAt: 1_700_000_000_000 } as const;
  for (const [outcome, done] of [
    ['done', 1],
    ['kept', 0],
  ] as const) {
    const lines = metricsOf({ ...servingState, outcomes: [{ ...ended, outcome }] } as unknown as RollState, {
      isBraked: false,
    });
    assert.match(lines, /^newleaf_last_outcome_seconds 1700000000$/m);
    assert.match(lines, new RegExp(`^newleaf_last_outcome_done ${done}$`, 'm'));
    assert.match(
      lines,
      new RegExp(`^newleaf_leaf_not_after_seconds ${(servingState.current?.notAfter ?? 0) / 1_000}$`, 'm'),
    );
  }
});
