import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { without } from '../../../agent/roll/core/memory.ts';
import { drawOf } from '../../../agent/roll/terms.ts';
import { TestClock } from '../clock.ts';
import { hub, NOW, terms } from '../roll/machine.ts';
import { answer, leafed, named } from '../roll/memories.ts';
import { candidate, current, DAY, Disk, type Far, gateway, HOUR, MINUTE, never, serving } from './gateway.ts';

const SECOND = 1_000;

test('a hub that ends each session after a second: at once, after a second, every five minutes, and then every quarter of an hour', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(serving));
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

/** The process before this one ended while it made this key. */
const poisoned: Memory = { ...serving, next: named(), poisoned: [{ effect: 'generate-key', at: NOW }] };

test('what poisoned the process before is tried as soon as the session is open', async (t) => {
  let open = () => {};
  const connect = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  const { clock, counts } = await gateway(t, new Disk(poisoned), { connect });
  await clock.pass(SECOND);
  assert.equal(counts.generate, 0);
  open();
  await clock.pass(0);
  assert.equal(counts.generate, 1);
});

test('or at once, where there is no session to wait for', async (t) => {
  const { counts } = await gateway(t, new Disk({ ...without(poisoned, 'current'), at: {}, trusts: [] }));
  assert.equal(counts.generate, 1);
});

test('and after a minute where no hub answers', async (t) => {
  const { clock, counts } = await gateway(t, new Disk(poisoned), { connect: never });
  await clock.pass(MINUTE - 1);
  assert.equal(counts.generate, 0);
  await clock.pass(1);
  assert.equal(counts.generate, 1);
});

/** When each registration with this leaf goes out, by the monotonic clock. */
function timed(clock: TestClock, answers: (thumbprint: string) => Promise<typeof hub>) {
  const asked: number[] = [];
  const register: Far['register'] = ({ thumbprint }) => {
    asked.push(clock.monotonic());
    return answers(thumbprint);
  };
  return { asked, register };
}
const silent = () => Promise.reject(new Fault('NL-DPS-SERVER'));
const gaps = (asked: readonly number[]) => asked.slice(1).map((at, index) => at - (asked[index] ?? 0));

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
  await gateway(t, new Disk(serving), far, {}, clock);
  await clock.pass(HOUR);
  assert.equal(waited, 0);
});

const refused = { 'connect current': answer('refused', 'NL-HUB-REJECTED') } as const;
for (const [what, memory, least, most] of [
  ['the current leaf alone: once an hour', { ...serving, answers: refused }, 55, 75],
  ['a candidate, too: by turns', { ...serving, next: leafed(candidate), answers: refused }, 35, 41],
] as const) {
  test(`a silent DPS is asked about ${what}`, async (t) => {
    const clock = new TestClock(NOW);
    const { asked, register } = timed(clock, silent);
    await gateway(t, new Disk(memory), { register }, {}, clock);
    await clock.pass(DAY);
    const longest = Math.max(...gaps(asked)) / MINUTE;
    assert.ok(longest >= least && longest <= most, `${longest} minutes`);
  });
}

/** A leaf of which half is over, and that is due. */
const dying = { ...current, notBefore: NOW - HOUR, notAfter: NOW + HOUR };
for (const [code, most] of [
  ['NL-EST-UNREACHABLE', 60],
  ['NL-EST-REFUSED', 20],
] as const) {
  test(`an issuer is asked until the leaf ends, as no pause takes more than half of what is left: ${code}`, async (t) => {
    const clock = new TestClock(NOW);
    let last = 0;
    const issue = async () => {
      last = clock.now();
      throw new Fault(code);
    };
    const due = { terms: { ...terms, renewAt: { share: 0.5 } } };
    const { counts } = await gateway(t, new Disk({ ...serving, current: dying }), { issue }, due, clock);
    await clock.pass(HOUR);
    assert.ok(dying.notAfter - last <= MINUTE, `${(dying.notAfter - last) / SECOND} s before the end`);
    assert.ok(counts.issue >= 7 && counts.issue <= most, `${counts.issue}`);
    const before = counts.issue;
    await clock.pass(DAY);
    assert.ok(counts.issue - before <= 160, `${counts.issue - before} in the day after`);
  });
}

/** A hub that ends each session at once and then refuses: what follows goes round in a circle. */
async function circle(t: TestContext) {
  let isAccepted = true;
  const far: Far = {
    async connect() {
      if (!isAccepted) throw new Fault('NL-HUB-REJECTED');
      isAccepted = false;
      setImmediate(() => stage?.lose(current.thumbprint, 61_000));
    },
    async register() {
      isAccepted = true;
      return hub;
    },
  };
  const stage = await gateway(t, new Disk(serving), far);
  await stage.lose();
  return stage;
}

test('a circle of registrations is slowed down, and seen in the status', async (t) => {
  const { clock, counts, daemon, status } = await circle(t);
  await clock.pass(HOUR);
  assert.ok(counts.register >= 4 && counts.register <= 12, `${counts.register} in the first hour`);
  assert.equal(daemon.isBraked, true);
  assert.ok((await status()).wrong.some(({ code }) => code === 'NL-BUDGET-BRAKED'));
  await clock.pass(23 * HOUR);
  assert.ok(counts.register <= 60, `${counts.register} in a day`);
});

test('whoever asks is served at once, however often newleaf has been slowed down', async (t) => {
  const { ask, clock, counts } = await circle(t);
  await clock.pass(HOUR);
  for (let round = 0; round < 20; round += 1) {
    const before = counts.register;
    const from = round % 2 ? 'method' : 'technician';
    const { status } = await ask({ kind: 're-register', from, id: `r${round}`, delayMs: 0 }, SECOND);
    if (status === 202) assert.ok(counts.register > before, `request ${round}`);
    else assert.equal(status, 409);
    await clock.pass(MINUTE);
  }
});

test('a technician who asks a hundred times in a row is never slowed down', async (t) => {
  const { ask, counts, daemon } = await gateway(t, new Disk(serving));
  for (let round = 0; round < 100; round += 1) {
    const { status } = await ask({ kind: 're-register', from: 'technician', id: `r${round}`, delayMs: 0 });
    assert.deepEqual([status, counts.register], [202, round + 1]);
  }
  assert.equal(daemon.isBraked, false);
});

test('a leaf of minutes is renewed for a day, and nothing slows it down', async (t) => {
  const lives = (from: number, key: typeof current.key) => ({
    ...current,
    key,
    thumbprint: `T-${key.id}`,
    serial: key.id,
    notBefore: from,
    notAfter: from + 10 * MINUTE,
  });
  const memory = { ...serving, current: lives(NOW, current.key) };
  const stage = await gateway(
    t,
    new Disk(memory),
    { judge: async (_, key) => lives(stage.clock.now(), key) },
    { terms: { ...terms, renewAt: { share: 0.5 } } },
  );
  await stage.clock.pass(DAY);
  assert.ok(stage.counts.register > 200, `${stage.counts.register} rolls`);
  assert.equal(stage.told('expiring').length, 0);
});

test('a link that drops each minute is connected again at once', async (t) => {
  const { clock, counts, lose } = await gateway(t, new Disk(serving));
  for (let minute = 0; minute < 600; minute += 1) {
    await clock.pass(61_000);
    await lose(current.thumbprint, 61_000);
  }
  assert.equal(counts.connect, 601);
});
