import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { askConfiguration } from '../../../../agent/cli/init/ask.ts';
import { demandIdle, onceAlone } from '../../../../agent/cli/init/idle.ts';
import { Fault, failure } from '../../../../agent/failure/failure.ts';
import type { NextStatus } from '../../../../agent/roll/report.ts';
import { takeLock } from '../../../../agent/state/lock.ts';
import { daemon } from '../../control/daemon.ts';
import { fault, scratch } from '../../state/disk.ts';
import { args, configIn, statusWith } from '../stage.ts';
import { scene } from './stage.ts';

const trouble = failure('NL-EST-AUTH');

for (const [what, next, first] of [
  [
    'its issuer has refused the CSR',
    { slot: 'a', standing: 'parked', trouble },
    /^To have newleaf ask .*`newleaf roll --wait`\. To see/,
  ],
  ['it waits for nothing', undefined, /^To see its status/],
] as const satisfies readonly (readonly [string, NextStatus | undefined, RegExp])[]) {
  test(`a daemon that runs, and ${what}: init leaves it alone, and says what hurries it`, async (t) => {
    const body = statusWith({ phase: 'unprovisioned', ...(next && { next }) });
    const { socket } = await daemon(t, { answer: async () => ({ status: 200, body }) });
    await assert.rejects(demandIdle(socket, scratch(t)), (error) => {
      assert(error instanceof Fault);
      assert.equal(error.failure.code, 'NL-DAEMON-RUNS');
      assert.match(error.failure.advice, first);
      assert.match(error.failure.byPerson ?? '', next ? /at once: `newleaf csr`, .*\. To see/ : /^$/);
      return true;
    });
  });
}

test('a daemon in another container, whose socket is not here', async (t) => {
  const directory = scratch(t);
  const socket = join(directory, 'control.sock');
  await demandIdle(socket, directory);
  const lock = await takeLock(directory);
  await assert.rejects(demandIdle(socket, directory), fault('NL-DAEMON-RUNS', /already runs on/));
  await lock.release();
});

test('another init is named, and may start a daemon of its own', async (t) => {
  const directory = scratch(t);
  await onceAlone()(directory);
  await assert.rejects(onceAlone()(directory), fault('NL-DAEMON-RUNS', /^Another init runs on .* touched nothing/));
  await demandIdle(join(directory, 'control.sock'), directory);
  await (await takeLock(directory)).release();
});

test('a complete configuration asks nothing: another init is looked for where there is a state', async (t) => {
  const directory = scratch(t);
  const found: string[] = [];
  const { dialogue } = scene().guide;
  const alone = async (state: string) => found.push(state);
  const asking = { args: args('init'), env: {}, dialogue, stopped: new Promise<never>(() => {}), stdin: process.stdin };
  const init = () => askConfiguration({ ...asking, file: configIn(directory), alone });
  await init();
  assert.deepEqual(found, []);
  mkdirSync(join(directory, 'state'));
  await init();
  assert.deepEqual(found, [join(directory, 'state')]);
});
