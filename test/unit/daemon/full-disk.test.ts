import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, Fault } from '../../../agent/failure/failure.ts';
import { entryOf } from '../../../agent/roll/core/entry.ts';
import type { Generation, Memory } from '../../../agent/roll/core/memory.ts';
import * as viewed from '../roll/candidates.ts';
import { hub, terms } from '../roll/machine.ts';
import { answer, forPerson, leafed, made, named, trusted } from '../roll/memories.ts';
import { request } from '../roll/standing.ts';
import { candidate, current, Disk, gateway, HOUR, MINUTE, never, serving } from './gateway.ts';

const refused = { 'connect current': answer('refused', 'NL-HUB-REJECTED') } as const;
const rolling = (next: Generation, more: Partial<Memory> = {}): Memory => ({
  ...serving,
  ask: { request: { ...request('roll'), id: 'r1' } },
  next,
  ...more,
});
const sent = rolling(leafed(candidate), { trusts: [trusted(current), trusted(candidate)] });
const assigned = rolling(leafed(candidate), {
  at: { current: hub, next: hub },
  trusts: [trusted(candidate)],
  answers: { 'register next': answer('accepted') },
});

/** What is on the disk when it takes nothing any more, and what may be tried in the hour after. */
const ROWS: readonly (readonly [name: string, memory: Memory, limits: Partial<Record<string, number>>])[] = [
  ['registering', { ...serving, answers: refused }, { register: 1, connect: 1, destroy: 0 }],
  ['generating-key', rolling(named()), { generate: 1, issue: 0, register: 0, connect: 1 }],
  ['requesting-leaf', rolling(made()), { issue: 1, register: 0, connect: 1 }],
  ['registering-next', sent, { register: 1, connect: 2, destroy: 0 }],
  ['connecting-next', assigned, { connect: 2, destroy: 0 }],
  [
    'abandoning',
    { ...assigned, next: { ...leafed(candidate), isDiscarded: true } },
    { register: 1, connect: 1, destroy: 0 },
  ],
];

for (const [name, memory, limits] of ROWS) {
  test(`a disk that takes nothing while "${name}": nothing is asked for twice, and it goes on when there is room`, async (t) => {
    const disk = new Disk(memory);
    disk.isFull = true;
    const { clock, counts, daemon, told } = await gateway(t, disk);
    await clock.pass(HOUR);
    for (const [effect, most] of Object.entries(limits))
      assert.ok(Number(counts[effect as keyof typeof counts]) <= Number(most), `${effect}: ${JSON.stringify(counts)}`);
    assert.equal(told('state-unwritten').length, 1, 'it is told once');
    assert.ok(disk.tries <= 14, `${disk.tries} attempts to write`);
    disk.isFull = false;
    await clock.pass(11 * MINUTE);
    assert.equal(daemon.state.phase, 'serving');
    assert.deepEqual(disk.entry !== 'absent' && [disk.entry.next, disk.entry.old], [undefined, []]);
    assert.ok(counts.issue <= 1 && counts.register <= 2);
  });
}

for (const isFull of [false, true]) {
  test(`a module that has lost its state, and a disk that ${isFull ? 'does not take why: it goes on' : 'does: a new process'}`, async (t) => {
    const disk = new Disk(rolling(named()));
    disk.isFull = isFull;
    const generate = () => Promise.reject(new Fault('NL-TOKEN-POISONED'));
    const { clock, ended } = await gateway(t, disk, { keys: { generate } });
    assert.equal(await Promise.race([ended, clock.pass(HOUR)]), isFull ? undefined : 'restart');
    assert.equal(disk.entry !== 'absent' && disk.entry.poisoned?.length, isFull ? undefined : 1);
  });
}

test('a module that cannot keep the session, and a disk that takes nothing: a new process, as nothing was to be noted', async (t) => {
  const disk = new Disk(serving);
  disk.isFull = true;
  const connect = () => Promise.reject(new Fault('NL-TOKEN-POISONED'));
  const assertWritable = () => disk.write(entryOf(serving));
  const { clock, ended, told } = await gateway(t, disk, { connect }, { assertWritable });
  assert.equal(await Promise.race([ended, clock.pass(HOUR)]), 'restart');
  assert.equal(told('state-unwritten').length, 1, 'the disk was found out before');
});

test('a key is destroyed only after the disk knows that its leaf has been replaced', async (t) => {
  const disk = new Disk(assigned);
  disk.isFull = true;
  const { clock, counts, daemon } = await gateway(t, disk);
  await clock.pass(HOUR);
  assert.deepEqual([daemon.state.current?.key.id, counts.destroy], ['g1', 0]);
  disk.isFull = false;
  await clock.pass(11 * MINUTE);
  assert.deepEqual([daemon.state.phase, counts.destroy], ['serving', 1]);
});

test('a full disk holds up neither a refusal by the hub nor a hub that has moved', async (t) => {
  const disk = new Disk(serving);
  disk.isFull = true;
  const moved = { ...hub, hub: 'hub2' };
  const { clock, counts, daemon } = await gateway(t, disk, {
    register: async () => moved,
    async connect(_, assignment) {
      if (assignment.hub === hub.hub) throw new Fault('NL-HUB-REJECTED');
    },
  });
  await clock.pass(MINUTE);
  assert.deepEqual([daemon.state.phase, daemon.state.online], ['serving', `${current.thumbprint}@hub2/gw-1`]);
  assert.deepEqual([counts.register, counts.connect], [1, 2]);
});

test('a hub that is gone, and a disk that is full: DPS is asked, and the other hub is used', async (t) => {
  const disk = new Disk(serving);
  disk.isFull = true;
  const { clock, daemon } = await gateway(t, disk, {
    register: async () => ({ ...hub, hub: 'hub2' }),
    async connect(_, assignment) {
      if (assignment.hub === hub.hub) throw new Fault('NL-HUB-UNREACHABLE');
    },
  });
  await clock.pass(2 * HOUR);
  assert.equal(daemon.state.online, `${current.thumbprint}@hub2/gw-1`);
});

for (const delayMs of [0, 600_000]) {
  test(`a request with a delay of ${delayMs} ms that cannot be kept is refused, and forgotten`, async (t) => {
    const disk = new Disk(serving);
    const { clock, counts, daemon, ask } = await gateway(t, disk);
    disk.isFull = true;
    const later = { kind: 're-register', from: 'technician', id: 'later', delayMs } as const;
    const { status, body } = await ask(later, 0);
    const { advice: _, ...said } = body as Failure;
    const message = 'state.json cannot be written: no space is left.';
    assert.deepEqual([status, said], [500, { code: 'NL-STATE-WRITE', message }]);
    assert.deepEqual([daemon.state.scheduled, daemon.state.request], [undefined, undefined]);
    await clock.pass(HOUR);
    assert.equal(counts.register, 0);
    disk.isFull = false;
    assert.equal((await ask(later, 0)).status, 202);
    assert.equal(disk.entry !== 'absent' && (disk.entry.scheduled ?? disk.entry.outcomes[0])?.id, 'later');
  });
}

for (const [what, asked] of [
  ['another CSR', { kind: 'csr', from: 'technician', newKey: true }],
  ['a leaf that is delivered', { kind: 'install', from: 'technician', delivered: Buffer.from('chain') }],
] as const) {
  test(`${what} that cannot be kept is refused, and what is in flight goes on`, async (t) => {
    const disk = new Disk({ ...serving, next: forPerson });
    let session: AbortSignal | undefined;
    const { ask, counts, daemon } = await gateway(t, disk, {
      connect(_leaf, _assignment, abort) {
        session = abort;
        return never();
      },
    });
    disk.isFull = true;
    assert.deepEqual([(await ask(asked, 0)).status, daemon.state.next], [500, viewed.made('delivery')]);
    assert.deepEqual([session?.aborted, counts.connect], [false, 1]);
  });
}

test('what people read says that the disk takes nothing, until it does', async (t) => {
  const disk = new Disk({ ...serving, ask: { request: request('re-register') } });
  disk.isFull = true;
  const { clock, status, told } = await gateway(t, disk);
  assert.equal((await status()).trouble?.code, 'NL-STATE-WRITE');
  disk.isFull = false;
  await clock.pass(11 * MINUTE);
  assert.equal((await status()).trouble, undefined);
  assert.equal(told('state-written').length, 1);
  assert.equal(terms.registered, disk.entry !== 'absent' && disk.entry.registered);
});

test('a disk that takes nothing is found out at the start', async (t) => {
  const disk = new Disk(serving);
  disk.isFull = true;
  const assertWritable = () => disk.write(entryOf(serving));
  const { clock, counts, status, told } = await gateway(t, disk, {}, { assertWritable });
  assert.equal((await status()).trouble?.code, 'NL-STATE-WRITE');
  await clock.pass(HOUR);
  assert.deepEqual([counts.connect, told('state-unwritten').length], [1, 1]);
  disk.isFull = false;
  await clock.pass(11 * MINUTE);
  assert.deepEqual([(await status()).trouble, told('state-written').length], [undefined, 1]);
});

test('one that fills up at rest, within two minutes, without a write', async (t) => {
  const disk = new Disk(serving);
  const assertWritable = async () => {
    if (disk.isFull) throw new Fault('NL-STATE-WRITE');
  };
  const { clock, counts, status, told } = await gateway(t, disk, {}, { assertWritable });
  const { tries } = disk;
  for (const isFull of [true, false, true]) {
    disk.isFull = isFull;
    await clock.pass(2 * MINUTE);
    assert.equal((await status()).trouble?.code, isFull ? 'NL-STATE-WRITE' : undefined);
  }
  await clock.pass(HOUR);
  assert.deepEqual([disk.tries - tries, counts.connect], [0, 1]);
  assert.deepEqual([told('state-unwritten').length, told('state-written').length], [2, 1]);
});

test('one that is lost later, within a day', async (t) => {
  const disk = new Disk(serving);
  const { clock, daemon, status } = await gateway(t, disk);
  disk.isFull = true;
  await clock.pass(25 * HOUR);
  assert.equal((await status()).trouble?.code, 'NL-STATE-WRITE');
  assert.notEqual(daemon.state.online, undefined);
});

test('a new gateway writes nothing before there is something to keep', async (t) => {
  const disk = new Disk();
  const { clock, counts } = await gateway(t, disk, {}, { terms: { ...terms, automatic: false } });
  await clock.pass(50 * HOUR);
  assert.deepEqual([counts.writes, disk.entry], [0, 'absent']);
});

test('a state file that a person deletes is written again within two minutes', async (t) => {
  const disk = new Disk(serving);
  const { clock, counts, told } = await gateway(t, disk);
  const before = counts.writes;
  disk.entry = 'absent';
  await clock.pass(2 * MINUTE);
  assert.deepEqual([disk.entry, counts.writes - before, told('state-gone').length], [disk.written.at(-1), 1, 1]);
  await clock.pass(HOUR);
  assert.equal(counts.writes - before, 1);
});
