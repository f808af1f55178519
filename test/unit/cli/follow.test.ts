import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DaemonEvent } from '../../../agent/ask/event.ts';
import { Progress } from '../../../agent/cli/kit/progress.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { follow } from '../../../agent/cli/request/follow.ts';
import { failure } from '../../../agent/failure/failure.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { endJournal } from '../../../agent/state/journal.ts';
import { daemon } from '../control/daemon.ts';
import { fault, scratch } from '../state/disk.ts';
import { ended, Paper, statusWith } from './stage.ts';

const quick = { everyMs: 20, awayMs: 5, patienceMs: 100 };
const request = { id: 'r1', action: 'roll', reason: 'asked', from: 'technician', at: ended().at } as const;
/** A daemon that tells this status. */
const telling = (t: TestContext, status: () => Status, more: { readonly socket?: string } = {}) =>
  daemon(t, { ...more, answer: async () => ({ status: 200, body: status() }) });

function options(socket: string) {
  const out = new Paper();
  const screen = screenOf(out, {});
  return { socket, screen, out, progress: new Progress(out, screen), ...quick };
}

test('looks by itself where nothing is heard', async (t) => {
  let looks = 0;
  const status = () => {
    looks += 1;
    return looks < 3 ? statusWith({ request }) : statusWith({ outcomes: [ended()] });
  };
  const { socket } = await telling(t, status);
  assert.equal((await follow('r1', options(socket))).outcome.outcome, 'done');
  assert.equal(looks, 3);
});

test('outlives a restart of the daemon', async (t) => {
  const socket = join(scratch(t), 'run/control.sock');
  const first = await telling(t, () => statusWith({ request }), { socket });
  const following = follow('r1', { ...options(socket), patienceMs: 60_000 });
  if (first.listeners.size === 0) await first.listenersChange();
  await first.close();
  await telling(t, () => statusWith({ outcomes: [ended()] }), { socket });
  assert.equal((await following).outcome.id, 'r1');
});

test('gives up on a daemon that stays away', async (t) => {
  const { socket, close } = await telling(t, () => statusWith({ request }));
  await close();
  await assert.rejects(follow('r1', options(socket)), fault('NL-DAEMON-DOWN', /there is no answer/));
});

test('ends when it is told to, and says that the request goes on', async (t) => {
  const { socket, close } = await telling(t, () => statusWith({ request }));
  const abort = AbortSignal.timeout(50);
  await assert.rejects(follow('r1', { ...options(socket), everyMs: 3_600_000, abort }), {
    name: 'Failed',
    message:
      /^Not finished in time\. In flight for 0\.\d\d s: serving with the current leaf\. The request r1 goes on\.$/,
  });
  await close();
  const patient = { ...options(socket), awayMs: 3_600_000, patienceMs: 3_600_000, abort: AbortSignal.timeout(50) };
  await assert.rejects(follow('r1', patient), { name: 'Failed' });
});

const locked = failure('NL-TOKEN-PIN-LOCKED', { message: 'The PIN is locked.' });
const occupied = failure('NL-TOKEN-OCCUPIED');
const waitsForPerson = fault(
  'NL-TOKEN-PIN-LOCKED',
  /is locked\. newleaf cannot end this by itself, and the request r1 waits: a person is needed\./,
);

const [BEFORE, ASKED, AFTER] = ['2030-01-01T00:00:00.000Z', '2030-01-01T00:00:01.000Z', '2030-01-01T00:00:02.000Z'];
const making = { request, phase: 'generating-key', trouble: { ...locked, at: AFTER, request: 'r1' } } as const;

test('a failure that only a person can end is the end: where it is heard, though another one stands in the status', async (t) => {
  const trouble = { ...failure('NL-HUB-UNREACHABLE'), request: 'r1' };
  const it = await telling(t, () => statusWith({ ...making, trouble }));
  const following = follow('r1', { ...options(it.socket), everyMs: 3_600_000 });
  if (it.listeners.size === 0) await it.listenersChange();
  for (const listener of it.listeners) listener({ type: 'failed', effect: 'generate-key', ...locked });
  await assert.rejects(following, waitsForPerson);
});

test('and where it stands in the status', async (t) => {
  const { socket } = await telling(t, () => statusWith(making));
  await assert.rejects(follow('r1', { ...options(socket), since: ASKED }), waitsForPerson);
});

for (const [what, present] of [
  ['one of another request, whose work goes on', { ...making, trouble: { ...making.trouble, request: 'r0' } }],
  [
    'a place that is taken, as the other may be free',
    { ...making, trouble: { ...occupied, at: AFTER, request: 'r1' } },
  ],
  ['one that nobody has asked for', { ...making, trouble: { ...locked, at: AFTER } }],
  ['one from before it was asked for: it may be cured', { ...making, trouble: { ...making.trouble, at: BEFORE } }],
  ['one from before the daemon started', { ...making, trouble: { ...locked, request: 'r1' } }],
  ['one of a key that is made for something else', { ...making, request: { ...request, id: 'r2' } }],
  ['one of a key beside a registration', { ...making, request: { ...request, action: 're-register' } }],
  ['one that the roll has passed', { ...making, phase: 'registering-next' }],
  ['one that passes', { ...making, trouble: { ...failure('NL-TOKEN-FAILED'), at: AFTER, request: 'r1' } }],
] as const) {
  test(`but ${what} is not`, async (t) => {
    let looks = 0;
    const status = () => {
      looks += 1;
      return statusWith(looks < 3 ? present : { outcomes: [ended()] });
    };
    const { socket } = await telling(t, status);
    assert.equal((await follow('r1', { ...options(socket), since: ASKED })).outcome.outcome, 'done');
  });
}

test('a gateway that is given up meanwhile is not waited for', async (t) => {
  const directory = scratch(t);
  const { socket, close } = await telling(t, () => statusWith({ request }));
  await close();
  await endJournal(directory, 0, 'gone');
  const patient = { ...options(socket), patienceMs: 3_600_000, directory };
  await assert.rejects(follow('r1', patient), fault('NL-STATE-DECOMMISSIONED', /was given up/));
});

test('failures that take turns are told once each', async (t) => {
  let isOver = false;
  const it = await telling(t, () => statusWith(isOver ? { outcomes: [ended()] } : { request }));
  const asked = options(it.socket);
  const following = follow('r1', { ...asked, everyMs: 3_600_000 });
  if (it.listeners.size === 0) await it.listenersChange();
  const tell = (event: DaemonEvent) => {
    for (const listener of it.listeners) listener(event);
  };
  for (let turn = 0; turn < 3; turn += 1)
    for (const code of ['NL-HUB-UNREACHABLE', 'NL-DPS-UNREACHABLE', 'NL-EST-UNREACHABLE'] as const)
      tell({ type: 'failed', effect: 'connect', ...failure(code) });
  await asked.out.shows('NL-EST-UNREACHABLE');
  isOver = true;
  tell({ type: 'changed' });
  await following;
  assert.equal(asked.out.text.match(/NL-[A-Z]+-UNREACHABLE/g)?.length, 3);
});
