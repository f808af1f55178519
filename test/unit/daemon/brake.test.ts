import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Brake } from '../../../agent/daemon/brake.ts';
import type { DaemonOptions } from '../../../agent/daemon/options.ts';
import { Fault, failure } from '../../../agent/failure/failure.ts';
import type { Advance } from '../../../agent/roll/advance.ts';
import type { RollEffect, RollEvent, RollState } from '../../../agent/roll/state.ts';
import { hub, NOW, terms } from '../roll/machine.ts';
import { candidate, current, DAY, Disk, type Far, gateway, HOUR, MINUTE, servingState } from './gateway.ts';

/** Of one gateway: burst and what flows back, whatever the machine says. */
function assertBounded(first: number, day: number): void {
  assert.ok(first <= 8, `${first} in the first hour`);
  assert.ok(day - first <= 40, `${day - first} in the 23 hours after`);
}

const at = { at: NOW, draw: 0.5 };
const request = { id: 'r1', action: 're-register', reason: 'asked', from: 'technician', at: NOW } as const;
const decision = { action: 're-register', reason: 'asked', why: 'asked', rule: 'asked' } as const;
const step = { state: servingState, effects: [] };
const registered: RollEvent = { ...at, kind: 'registered', thumbprint: 'T', assignment: hub, as: 'us' };
const woken: RollEvent = { ...at, kind: 'woken' };
const asked: RollEvent = { ...at, kind: 'asked', request, delayMs: 0, discard: false };
const silent = failure('NL-DPS-UNREACHABLE');
const register: RollEffect = { kind: 'register', leaf: current };
const online = { ...servingState, online: 'T@hub' };

/** Spends all that may be done at once. */
function spent(): Brake {
  const brake = new Brake();
  for (let times = 0; times < 4; times += 1) brake.follow(servingState, step, registered, 0);
  return brake;
}

test('four registrations at once, then one in 40 minutes', () => {
  const brake = spent();
  assert.equal(brake.pauseMs('register', 0), 40 * MINUTE);
  assert.equal(brake.pauseMs('register', 39 * MINUTE), MINUTE);
  assert.equal(brake.pauseMs('register', 40 * MINUTE), 0);
  assert.equal(brake.pauseMs('request-leaf', 0), 0, 'each effect has its own');
  assert.equal(brake.pauseMs('destroy-key', 0), 0);
});

test('what went on at once for long is waited for no longer, and a request takes nothing away', () => {
  const brake = spent();
  for (let times = 0; times < 20; times += 1) brake.follow(servingState, step, registered, 0);
  assert.equal(brake.pauseMs('register', 0), 40 * MINUTE);
  const fresh = new Brake();
  fresh.follow(servingState, { ...step, state: { ...servingState, request } }, asked, 0);
  for (let times = 0; times < 3; times += 1) fresh.follow(servingState, step, registered, 0);
  assert.equal(fresh.pauseMs('register', 0), 0);
});

test('what a ladder paces costs nothing, and every attempt counts as one', () => {
  const brake = new Brake();
  const failed: RollEvent = { ...at, kind: 'failed', effect: register, failure: silent };
  for (let times = 0; times < 100; times += 1) brake.follow(servingState, { ...step, retry: silent }, failed, 0);
  assert.equal(brake.pauseMs('register', 0), 0);
  for (let times = 0; times < 12; times += 1) brake.tried('register', 0);
  assert.equal(brake.pauseMs('register', 0), 6 * MINUTE);
});

for (const [code, waits] of [
  ['NL-TOKEN-KEY', false],
  ['NL-TOKEN-OCCUPIED', false],
  ['NL-DPS-401002', true],
] as const) {
  test(`${code} ${waits ? 'has cost a registration' : 'is found out in the token: it costs nobody anything'}`, () => {
    const brake = new Brake();
    const failed: RollEvent = { ...at, kind: 'failed', effect: register, failure: failure(code) };
    for (let times = 0; times < 6; times += 1) brake.follow(servingState, step, failed, 0);
    assert.equal(brake.pauseMs('register', 0), waits ? 37 * MINUTE : 0);
  });
}

/** What gives the brake something to spend again: how many registrations then follow at once. */
const CREDITS: readonly (readonly [name: string, before: RollState, step: Advance, event: RollEvent, many: number])[] =
  [
    ['nothing', servingState, step, woken, 0],
    ['a request', servingState, { ...step, state: { ...servingState, request } }, asked, 4],
    ['one that is refused', servingState, step, asked, 0],
    ['one that was put off, and begins', servingState, { ...step, decision }, woken, 4],
    [
      'a CSR for a person',
      servingState,
      { ...step, state: online },
      { ...at, kind: 'csr-asked', newKey: false, from: 'technician' },
      4,
    ],
    ['another leaf that serves', servingState, { ...step, state: { ...servingState, current: candidate } }, woken, 4],
    ['a session that was held', online, step, woken, 4],
  ];

for (const [name, before, came, event, many] of CREDITS) {
  test(`${name}: ${many} registrations at once`, () => {
    const brake = spent();
    const now = name === 'a session that was held' ? HOUR : 5 * MINUTE;
    assert.equal(brake.follow(before, came, event, now), many > 0);
    let count = 0;
    for (; brake.pauseMs('register', now) === 0; count += 1)
      brake.follow(came.state, { ...step, state: came.state }, registered, now);
    assert.equal(count, many);
  });
}

test('a session of an hour less a second is none that was held', () => {
  const brake = new Brake();
  brake.follow(servingState, { ...step, state: online }, { ...at, kind: 'connected', thumbprint: 'T', hub: 'hub' }, 0);
  assert.equal(brake.follow(online, step, woken, HOUR - 1_000), false);
});

test('an issuer that refuses a dying leaf is asked until the end: no pause takes more than half of what is left', async (t) => {
  const dying = { ...current, notBefore: NOW - HOUR, notAfter: NOW + HOUR };
  let last = 0;
  const stage = await gateway(
    t,
    new Disk({ ...servingState, current: dying }),
    {
      async issue() {
        last = stage.clock.now();
        throw new Fault('NL-EST-REFUSED');
      },
    },
    { terms: { ...terms, renewAt: { share: 0.5 } } },
  );
  await stage.clock.pass(HOUR);
  assert.ok(dying.notAfter - last <= MINUTE, `${(dying.notAfter - last) / 1000} s before the end`);
  const { issue } = stage.counts;
  assert.ok(issue >= 7 && issue <= 20, `${issue}`);
  await stage.clock.pass(DAY);
  assert.ok(stage.counts.issue - issue <= 36, `${stage.counts.issue - issue} in the day after`);
});

/** A hub that ends each session at once and then refuses: rules without a budget go round in a circle. */
async function circle(t: TestContext, state: RollState = servingState, change: Partial<DaemonOptions> = {}) {
  let [isAccepted, isCalm] = [true, false];
  let registeredAt = 0;
  const far: Far = {
    async connect() {
      if (!isAccepted) throw new Fault('NL-HUB-REJECTED');
      isAccepted = isCalm;
      if (!isCalm) setImmediate(() => stage?.lose());
    },
    async register() {
      registeredAt = stage?.clock.now() ?? 0;
      isAccepted = true;
      return hub;
    },
  };
  const stage = await gateway(t, new Disk(state), far, change);
  await stage.lose();
  /** Whether the hub keeps sessions open from now on. */
  const keep = (is: boolean) => {
    isCalm = is;
  };
  return { ...stage, keep, registeredAt: () => registeredAt };
}

test('the brake takes no more than half of what is left of a leaf', async (t) => {
  const dying = { ...current, notAfter: NOW + HOUR };
  const { clock, counts, registeredAt } = await circle(
    t,
    { ...servingState, current: dying },
    {
      terms: { ...terms, renewAt: 'off' },
    },
  );
  await clock.pass(HOUR - 1);
  assert.ok(dying.notAfter - registeredAt() <= MINUTE, `${(dying.notAfter - registeredAt()) / 1000} s before the end`);
  assert.ok(counts.register <= 20, `${counts.register}`);
});

test('a circle of registrations is slowed down, told once, and seen in the status', async (t) => {
  const { clock, counts, told, daemon, status } = await circle(t);
  await clock.pass(HOUR);
  const first = counts.register;
  assert.ok(first >= 4, 'what comes first is immediate');
  assert.equal(told('braked').length, 1);
  assert.equal(told('braked')[0]?.code, 'NL-BUDGET-BRAKED');
  assert.equal(daemon.isBraked, true);
  assert.ok('trouble' in (await status()));
  await clock.pass(23 * HOUR);
  assertBounded(first, counts.register);
  assert.ok(told('braked').length <= 2);
});

test('after a session that was held, the next circle is told again', async (t) => {
  const { clock, keep, lose, told, daemon } = await circle(t);
  await clock.pass(HOUR);
  keep(true);
  await clock.pass(2 * HOUR);
  assert.deepEqual([daemon.state.online !== undefined, told('braked').length], [true, 1]);
  keep(false);
  await lose();
  await clock.pass(HOUR);
  assert.equal(told('braked').length, 2);
});

test('whoever asks is served at once, however often newleaf has been slowed down', async (t) => {
  const { ask, clock, counts } = await circle(t);
  await clock.pass(HOUR);
  for (let round = 0; round < 20; round += 1) {
    const before = counts.register;
    const from = round % 2 ? 'method' : 'technician';
    const { status } = await ask({ kind: 're-register', from, id: `r${round}`, delayMs: 0 }, 1_000);
    if (status === 202) assert.ok(counts.register > before, `request ${round}`);
    else assert.ok(status === 409 && counts.register >= before);
    await clock.pass(MINUTE);
  }
});

test('a technician who asks a hundred times in a row is never slowed down', async (t) => {
  const { ask, counts, told } = await gateway(t, new Disk(servingState));
  for (let round = 0; round < 100; round += 1) {
    const { status } = await ask({ kind: 're-register', from: 'technician', id: `r${round}`, delayMs: 0 });
    assert.equal(status, 202);
    assert.equal(counts.register, round + 1);
  }
  assert.deepEqual(told('braked'), []);
});

test('a leaf of minutes is renewed for days without a brake', async (t) => {
  const lives = (from: number, id: string, slot: 'a' | 'b') => ({
    ...current,
    key: { slot, id },
    thumbprint: `T-${id}`,
    serial: id,
    notBefore: from,
    notAfter: from + 10 * MINUTE,
  });
  let made = 0;
  const stage = await gateway(
    t,
    new Disk({ ...servingState, current: lives(NOW, 'g0', 'a') }),
    {
      keys: {
        async generate(slot) {
          made += 1;
          return { slot, id: `g${made}` };
        },
      },
      judge: async (_, key) => lives(stage.clock.now(), key.id, key.slot as 'a' | 'b'),
    },
    { terms: { ...terms, renewAt: { share: 0.5 } } },
  );
  await stage.clock.pass(DAY);
  assert.ok(stage.counts.register > 200, `${stage.counts.register} rolls`);
  assert.deepEqual(stage.told('braked'), []);
  assert.equal(stage.told('expiring').length, 0);
});

test('DPS that nobody reaches is asked by its ladder, and the brake has nothing to add', async (t) => {
  const { clock, counts, told } = await gateway(
    t,
    new Disk({ ...servingState, phase: 'registering', ask: true, rejected: true }),
    {
      async register() {
        throw new Fault('NL-DPS-UNREACHABLE');
      },
    },
  );
  await clock.pass(DAY);
  assert.ok(counts.register > 140, `${counts.register}`);
  assert.deepEqual(told('braked'), []);
});

test('a link that drops each minute is connected again at once', async (t) => {
  const { clock, counts, lose, told } = await gateway(t, new Disk(servingState));
  for (let minute = 0; minute < 600; minute += 1) {
    await clock.pass(61_000);
    await lose(current.thumbprint, 61_000);
  }
  assert.equal(counts.connect, 601);
  assert.deepEqual(told('braked'), []);
});
