import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS, metricsOf } from '../../../agent/daemon/metrics.ts';
import { servingState } from './gateway.ts';

for (const isBraked of [false, true]) {
  test(`each value stands below its help; braked: ${isBraked}`, () => {
    const lines = metricsOf(servingState, { isBraked }).split('\n');
    assert.ok(lines.includes(`newleaf_braked ${isBraked ? 1 : 0}`));
    const values = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(' ')[0] ?? '');
    assert.ok(values.every((name) => Object.hasOwn(METRICS, name)));
  });
}
