import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hub } from '../../../scripts/enrollment/hub.ts';
import type { Seen } from '../../../scripts/enrollment/newleaf.ts';
import { newId } from '../../../scripts/enrollment/request.ts';
import { conditionOf, fitting, waveIn } from '../../../scripts/enrollment/waves/condition.ts';
import { type Begun, type Gateway, judge } from '../../../scripts/enrollment/waves/judge.ts';
import { type Plan, planIn, planText } from '../../../scripts/enrollment/waves/plan.ts';
import { Viewer } from '../../../scripts/enrollment/waves/view.ts';

const NOW = 1_000_000_000;
const plan: Plan = {
  waves: [{ count: 2 }, { percent: 10 }, 'rest'],
  of: 100,
  stop: { count: 2 },
  pause: 1_800,
  hold: 300,
  wait: 600,
  delay: 60,
};
const gateway = (state: Gateway['state'], at = NOW - 300_000): Gateway => ({ deviceId: 'gw', state, at });
const wave = (states: readonly Gateway['state'][], more: Partial<Begun> = {}): Begun => ({
  isWhole: true,
  endedAt: NOW - 400_000,
  gateways: states.map((state) => gateway(state)),
  ...more,
});
/** The deadline of a wave: delay, wait and hold after its last job. */
const LATE = NOW - 400_000 + 960_000;

describe('what is next, by what the hub tells alone', () => {
  const rows: readonly (readonly [name: string, begun: readonly Begun[], now: number, next: object])[] = [
    ['nothing has begun', [], NOW, { is: 'call', wave: 0 }],
    ['the job runs', [wave(['waiting'], { endedAt: undefined })], NOW, { is: 'wait', words: 'being called' }],
    [
      'the condition of one job had no room for all',
      [wave(['back'], { isWhole: false })],
      NOW,
      { is: 'call', wave: 0 },
    ],
    ['one is not back', [wave(['proven', 'waiting'])], NOW, { is: 'wait', words: 'not all back' }],
    ['one session is young', [wave(['proven', 'back'])], NOW, { is: 'wait', words: 'must hold the session' }],
    ['all proven: the pause', [wave(['proven', 'proven'])], NOW, { is: 'wait', words: /pause/, forMs: 1_800_000 }],
    ['the pause is over', [wave(['proven', 'proven'])], NOW + 1_800_000, { is: 'call', wave: 1 }],
    [
      'one is not well, of two that are allowed',
      [wave(['proven', 'otherwise'])],
      NOW + 1_800_000,
      { is: 'call', wave: 1 },
    ],
    [
      'two are not well',
      [wave(['otherwise', 'otherwise'])],
      NOW,
      { is: 'stop', wave: 0, why: /^2 of 2 .* \(--stop-after 2\)/ },
    ],
    [
      'two over two waves, while the job runs',
      [wave(['proven', 'otherwise']), wave(['otherwise', 'waiting'], { endedAt: undefined })],
      NOW,
      { is: 'stop', wave: 1 },
    ],
    ['late is not well', [wave(['waiting', 'back'])], LATE, { is: 'stop', wave: 0 }],
    ['late, one of two', [wave(['proven', 'waiting'])], LATE + 1_800_000, { is: 'call', wave: 1 }],
    [
      'none of the wave is there',
      [wave(['not-asked', 'not-asked'])],
      NOW,
      { is: 'stop', why: 'no gateway of this wave was reached' },
    ],
    [
      'a wave for which none was left',
      [wave(['proven']), wave([], { endedAt: 0 })],
      NOW + 1_800_000,
      { is: 'call', wave: 2 },
    ],
    [
      'all waves',
      [wave(['proven']), wave(['proven']), wave(['proven', 'not-asked'])],
      NOW + 3_600_000,
      { is: 'over', failed: [] },
    ],
  ];
  for (const [name, begun, now, next] of rows) {
    test(name, () => {
      const told = new Map<string, unknown>(Object.entries(judge(plan, begun, now)));
      for (const [field, value] of Object.entries(next)) {
        if (value instanceof RegExp) assert.match(String(told.get(field)), value);
        else assert.deepEqual(told.get(field), value);
      }
    });
  }

  test('a share of those that were asked', () => {
    const shared: Plan = { ...plan, stop: { percent: 2 } };
    const many = (bad: number) => [wave([...Array(bad).fill('otherwise'), ...Array(100 - bad).fill('proven')])];
    assert.equal(judge(shared, many(1), NOW).is, 'wait');
    assert.equal(judge(shared, many(2), NOW).is, 'stop');
  });
});

describe('the plan stands in the condition of each job', () => {
  for (const condition of ['*', "tags.site = 'north'", "deviceId IN ['a', 'b'] AND (tags.x = 'o''k')"]) {
    test(condition, () => {
      const ids = ['gw-1', "gw-o'neill"];
      assert.deepEqual(waveIn(conditionOf({ condition, plan, ids })), { condition, plan, ids });
      assert.deepEqual(waveIn(conditionOf({ condition, plan })), { condition, plan });
    });
  }
  test('other conditions are none of it', () => {
    assert.equal(waveIn("tags.site = 'north'"), undefined);
    assert.equal(waveIn(''), undefined);
    assert.deepEqual(planIn(planText(plan)), plan);
  });
  test('no condition is longer than the hub takes', () => {
    const ids = Array.from({ length: 2_000 }, (_, at) => `gateway-${at}`);
    const some = fitting({ condition: '*', plan }, ids);
    assert.ok(some.length > 400 && some.length < 700);
    assert.ok(conditionOf({ condition: '*', plan, ids: some }).length <= 8_000);
  });
});

test('a leaf that another operator has had replaced is not taken for the old one', () => {
  const id = newId('roll', 'ana', NOW);
  const viewer = new Viewer({} as Hub, id);
  const seen = (deviceId: string, thumbprint: string, last: string): Seen => ({
    deviceId,
    status: 'enabled',
    connected: true,
    newleaf: { leaf: { thumbprint }, last: { id: last, outcome: 'done' } },
  });
  viewer.remember([seen('gw-1', 'OLD', 'r-1'), seen('gw-2', 'NEW', id)]);
  assert.ok(viewer.isOnOldLeaf(seen('gw-1', 'OLD', id)));
  assert.ok(!viewer.isOnOldLeaf(seen('gw-1', 'NEW', id)));
  assert.ok(!viewer.isOnOldLeaf(seen('gw-2', 'NEW', id)));
});
