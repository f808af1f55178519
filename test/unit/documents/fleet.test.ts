import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { iso, presentOf, twinOf } from '../../../agent/roll/report.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { condition } from '../../simulator/rest/condition.ts';
import { NOW, terms } from '../roll/machine.ts';
import { parked as refused, SITUATIONS, shown } from '../roll/memories.ts';
import { current, HOUR, request } from '../roll/standing.ts';

const parked = shown(refused);

const well: RollState = {
  ...SITUATIONS.serving,
  outcomes: [{ ...request('roll'), outcome: 'done', endedAt: NOW }],
};

/** The end of the onboarding certificate of all of them: late. */
const LATE = iso(NOW + 22 * HOUR);

/** The twin as a query sees it. */
function row(state: RollState, notAfter = LATE): object {
  const onboarding = { told: { thumbprint: 'T', issuer: 'CN=T', notAfter } };
  const options = { version: '1', registrationId: 'gw-1', terms, now: NOW, onboarding };
  const newleaf = JSON.parse(JSON.stringify(twinOf(presentOf(state, options), 'newleaf')));
  return {
    connectionState: state.online === undefined ? 'Disconnected' : 'Connected',
    properties: { reported: { newleaf } },
  };
}

const PAGE = readFileSync(new URL('../../../scripts/enrollment/README.md', import.meta.url), 'utf8');

/** The conditions of "Watch a fleet", in the order of its table. */
const conditions = [...PAGE.matchAll(/^\| `([^`]*(?:connectionState|reported)[^`]*)` \|/gm)].map(
  ([, text = '']) => text,
);

describe('the queries for a fleet find the gateways that they are meant for', () => {
  const meant: readonly RollState[] = [
    SITUATIONS.stranded,
    parked,
    { ...SITUATIONS.serving, current: { ...current, notAfter: NOW + 20 * HOUR }, alarm: '1day' },
    parked,
    well,
    { ...SITUATIONS.serving, current: { ...current, notAfter: NOW + 20 * HOUR } },
    well,
  ];
  assert.equal(conditions.length, meant.length);
  for (const [at, text] of conditions.entries()) {
    test(text, () => {
      const soon = iso(NOW + 21 * HOUR);
      const holds = condition(
        text.replace('issuing CA 1', 'CA').replace('2026-12-25', soon).replace('2027-06-30', soon),
      );
      assert.ok(holds(row(meant[at] ?? well, text.includes('onboarding') ? iso(NOW) : LATE)));
      assert.equal(holds(row(well)), text.includes('leaf.issuer'), 'one that is well is found by its CA, and only so');
    });
  }
});
