import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Progress } from '../../../agent/cli/kit/progress.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { follow } from '../../../agent/cli/request/follow.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { daemon } from '../control/daemon.ts';
import { fault, scratch } from '../state/disk.ts';
import { ended, Paper, statusWith } from './stage.ts';

const quick = { everyMs: 20, awayMs: 5, patienceMs: 100 };
const request = { id: 'r1', action: 'roll', reason: 'asked', from: 'technician', at: ended().at } as const;
const answering = (status: () => Status) => ({ answer: async () => ({ status: 200, body: status() }) });

function options(socket: string) {
  const out = new Paper();
  const screen = screenOf(out, {});
  return { socket, screen, progress: new Progress(out, screen), ...quick };
}

test('looks by itself where nothing is heard', async (t) => {
  let looks = 0;
  const status = () => {
    looks += 1;
    return looks < 3 ? statusWith({ request }) : statusWith({ outcomes: [ended()] });
  };
  const { socket } = await daemon(t, answering(status));
  assert.equal((await follow('r1', options(socket))).outcome.outcome, 'done');
  assert.equal(looks, 3);
});

test('outlives a restart of the daemon', async (t) => {
  const socket = join(scratch(t), 'run/control.sock');
  const first = await daemon(t, { socket, ...answering(() => statusWith({ request })) });
  const following = follow('r1', { ...options(socket), patienceMs: 60_000 });
  if (first.listeners.size === 0) await first.listenersChange();
  await first.close();
  await daemon(t, { socket, ...answering(() => statusWith({ outcomes: [ended()] })) });
  assert.equal((await following).outcome.id, 'r1');
});

test('gives up on a daemon that stays away', async (t) => {
  const { socket, close } = await daemon(
    t,
    answering(() => statusWith({ request })),
  );
  await close();
  await assert.rejects(follow('r1', options(socket)), fault('NL-DAEMON-DOWN', /there is no answer/));
});
