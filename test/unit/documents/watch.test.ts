import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { METRICS } from '../../../agent/daemon/metrics.ts';
import { DASHBOARD } from '../../../scripts/operator/grafana.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../scripts/operator/${name}`, import.meta.url), 'utf8');
const RULES = read('alerts.yaml');
const JSON_TEXT = read('grafana.json');

test('the dashboard is the one that its types were checked for', () => {
  assert.deepEqual(JSON.parse(JSON_TEXT), JSON.parse(JSON.stringify(DASHBOARD)), 'npx tsx scripts/operator/grafana.ts');
  const ids = (DASHBOARD.panels ?? []).map((panel) => ('id' in panel ? panel.id : undefined));
  assert.equal(new Set(ids).size, ids.length);
});

test('dashboard and rules name metrics that newleaf has, and each state that needs a person has a rule', () => {
  const named = new Set(`${JSON_TEXT}${RULES}`.match(/\bnewleaf_\w+/g));
  assert.deepEqual(
    [...named].filter((name) => !(name in METRICS)),
    [],
  );
  for (const name of [
    'newleaf_online',
    'newleaf_stranded',
    'newleaf_parked',
    'newleaf_leaf_not_after_seconds',
    'newleaf_last_outcome_done',
    'newleaf_onboarding_not_after_seconds',
    'newleaf_renewal_pending',
  ]) {
    assert.match(RULES, new RegExp(`^        expr: ${name}\\b`, 'm'));
  }
});
