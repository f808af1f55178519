import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lanes } from '../../../agent/daemon/lanes.ts';
import { Fault, failure } from '../../../agent/failure/failure.ts';
import { pauseMs, turnMs } from '../../../agent/roll/backoff.ts';
import type { RollEvent, RollState } from '../../../agent/roll/state.ts';
import { drawOf } from '../../../agent/roll/terms.ts';
import { TestClock } from '../clock.ts';
import { sent, wanted } from '../roll/candidates.ts';
import { hub, NOW, terms } from '../roll/machine.ts';
import { candidate, current, DAY, Disk, type Far, gateway, HOUR, MINUTE, never, servingState } from './gateway.ts';

const SECOND = 1_000;

test('a hub that ends each session after a second: at once, after a second, every five minutes, and then every quarter of an hour', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(servingState));
  const pauses: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const [at, { connect }] = [clock.monotonic(), counts];
    await lose(current.thumbprint, SECOND);
    while (counts.connect === connect) await clock.pass(SECOND / 10);
    pauses.push((clock.monotonic() - at) / SECOND);
  }
  // The draw of this leaf, in steps of a tenth of a second.
  const draw = drawOf(`${current.serial} connect`);
  assert.deepEqual(pauses.slice(0, 2), [0, Math.ceil(10 * (1 + draw)) / 10]);
  for (const [at, least] of [300, 300, 300, 900, 900].entries())
    assert.ok(Math.abs((pauses[at + 2] ?? 0) - least * (1 + 0.2 * draw)) < 0.2, `${pauses}`);
});

const making: RollState = { ...servingState, phase: 'generating-key', next: wanted() };

test('a start makes the next key as soon as the session is open', async (t) => {
  let open = () => {};
  const connect = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  const { clock, counts } = await gateway(t, new Disk(making), { connect });
  await clock.pass(SECOND);
  assert.equal(counts.generate, 0);
  open();
  await clock.pass(0);
  assert.equal(counts.generate, 1);
});

test('or at once, where there is no session to wait for', async (t) => {
  const { current: _, assignment: _assignment, ...leafless } = making;
  const { counts } = await gateway(t, new Disk(leafless));
  assert.equal(counts.generate, 1);
});

test('and after a minute where no hub answers', async (t) => {
  const { clock, counts } = await gateway(t, new Disk(making), { connect: never });
  await clock.pass(MINUTE - 1);
  assert.equal(counts.generate, 0);
  await clock.pass(1);
  assert.equal(counts.generate, 1);
});

test('DPS is asked at once where the hub gives no answer, whose own next attempt waits', async (t) => {
  const clock = new TestClock(NOW);
  let triedAt = 0;
  let waited: number | undefined;
  const far: Far = {
    async connect() {
      triedAt = clock.monotonic();
      throw new Fault('NL-HUB-UNREACHABLE');
    },
    async register() {
      waited ??= clock.monotonic() - triedAt;
      throw new Fault('NL-DPS-UNREACHABLE');
    },
  };
  await gateway(t, new Disk(servingState), far, {}, clock);
  await clock.pass(HOUR);
  assert.equal(waited, 0);
});

const ofLeaf = drawOf(`${current.serial} register`);
for (const [what, next, longestMs] of [
  [
    'a candidate, too: by turns',
    {
      next: {
        is: 'parked',
        leaf: candidate,
        from: 'issuer',
        tries: 1,
        rest: { failure: failure('NL-DPS-401002'), askAt: NOW },
        trust: 'refused',
      },
    },
    turnMs(0.5),
  ],
  ['the current leaf alone: once an hour', {}, pauseMs('register', 20, failure('NL-DPS-SERVER'), ofLeaf)],
] as const) {
  test(`a silent DPS is asked about ${what}`, async (t) => {
    const clock = new TestClock(NOW);
    const asked: number[] = [];
    await gateway(
      t,
      new Disk({ ...servingState, phase: 'registering', ask: true, rejected: true, ...next }),
      {
        async register() {
          asked.push(clock.monotonic());
          throw new Fault('NL-DPS-SERVER');
        },
      },
      {},
      clock,
    );
    await clock.pass(DAY);
    assert.equal(Math.max(...asked.map((at, index) => at - (asked[index - 1] ?? 0))), longestMs);
  });
}

test('a pause that was planned beside an open session is no longer than a turn once the hub has ended it', async (t) => {
  const clock = new TestClock(NOW);
  const asked: number[] = [];
  const register: Far['register'] = async ({ thumbprint }) => {
    if (thumbprint === current.thumbprint) return hub;
    asked.push(clock.monotonic());
    throw new Fault('NL-DPS-SERVER');
  };
  let isKnown = true;
  const connect = async () => {
    if (!isKnown) throw new Fault('NL-HUB-REJECTED');
  };
  const rolling: RollState = { ...servingState, phase: 'registering-next', next: sent() };
  const { lose } = await gateway(t, new Disk(rolling), { register, connect }, {}, clock);
  while (asked.length < 9) await clock.pass(MINUTE);
  const last = asked.at(-1) ?? 0;
  assert.ok(last - (asked.at(-2) ?? 0) > turnMs(0.5));
  isKnown = false;
  await lose();
  while (asked.length < 10) await clock.pass(SECOND);
  assert.ok((asked.at(-1) ?? 0) - last <= turnMs(0.5) + SECOND);
});

test('an issuer that nobody reaches is asked until the leaf ends', async (t) => {
  const dying = { ...current, notBefore: NOW - HOUR, notAfter: NOW + HOUR };
  const clock = new TestClock(NOW);
  let last = 0;
  const issue = async () => {
    last = clock.now();
    throw new Fault('NL-EST-UNREACHABLE');
  };
  const due = { terms: { ...terms, renewAt: { share: 0.5 } } };
  await gateway(t, new Disk({ ...servingState, current: dying }), { issue }, due, clock);
  await clock.pass(HOUR);
  assert.ok(dying.notAfter - last <= MINUTE, `${(dying.notAfter - last) / SECOND} s before the end`);
});

/** The lanes of a gateway that has registered as often as it may at once, and is to do so again. */
function braked(state: RollState) {
  const clock = new TestClock(NOW);
  const counts = { tried: 0 };
  const silence = () => {};
  const lanes = new Lanes({
    isFree: () => false,
    clock,
    log: { error: silence, warn: silence, info: silence, debug: silence },
    attempt: () => {
      counts.tried += 1;
      return never();
    },
    happened: silence,
  });
  const now = { at: NOW, draw: 0.5 };
  const registered: RollEvent = { ...now, kind: 'registered', thumbprint: 'T', assignment: hub, as: 'us' };
  const register = { kind: 'register', leaf: current } as const;
  for (let times = 0; times < 6; times += 1) lanes.follow(state, { state, effects: [] }, registered);
  lanes.follow(state, { state, effects: [register] }, registered);
  assert.deepEqual([lanes.isBraked, counts.tried], [true, 0]);
  const ask = () => {
    const request = { id: 'r', action: 're-register', reason: 'asked', from: 'method', at: NOW } as const;
    const asked: RollEvent = { ...now, kind: 'asked', request, delayMs: 0, discard: false };
    lanes.follow(state, { state: { ...state, request }, effects: [register] }, asked);
  };
  return { clock, counts, ask };
}

test('who asks does not wait for the brake, also where the work is in its pause already', async () => {
  const { clock, counts, ask } = braked(servingState);
  ask();
  await clock.pass(0);
  assert.equal(counts.tried, 1);
});

test('a leaf that is about to end has the brake let through one attempt in half a minute, and no more', async () => {
  const { clock, counts } = braked({ ...servingState, current: { ...current, notAfter: NOW + 10 * SECOND } });
  await clock.pass(30 * SECOND - 1);
  assert.equal(counts.tried, 0);
  await clock.pass(1);
  assert.equal(counts.tried, 1);
});
