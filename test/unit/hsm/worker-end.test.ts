import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startedBy } from '../../../hsm/job.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import { scratch } from '../state/disk.ts';
import { gone, isAlive, PATIENCE_MS, PROGRAM, workerOf } from './worker-of.ts';

beforeEach(() => startedBy(PROGRAM));

test('one that has ended leaves nothing in this process', { timeout: PATIENCE_MS }, async (t) => {
  // One that is cut off holds no process.
  const held = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(held));
  const listeners = process.listenerCount('exit');
  const worker = workerOf('when told', { isCutOff: true, lingerMs: PATIENCE_MS, job: ['when told', 'cut off'] });
  const open: number[] = [];
  for (let times = 0; times < 4; times += 1) {
    const pid = await worker.ask('pid');
    worker.end();
    await gone(pid);
    while (process.listenerCount('exit') > listeners) await sleep(5);
    open.push(readdirSync('/proc/self/fd').length);
  }
  const [first = 0, , , last = 0] = open;
  assert.ok(last - first < 2, `descriptors after each: ${open}`);
});

describe('the process that started it ends', () => {
  /** Asks in a process of its own, which says the pid of the worker. */
  async function parent(
    call: string,
    options: object,
  ): Promise<readonly [pid: number, end: (by: 'exit' | 'kill') => Promise<void>]> {
    const code = `
      const { startedBy } = await import('${join(import.meta.dirname, '../../../hsm/job.ts')}');
      const { Worker } = await import('${join(import.meta.dirname, '../../../hsm/worker.ts')}');
      startedBy(${JSON.stringify(PROGRAM)});
      // It does not end before it is told to.
      process.stdin.resume();
      const options = { job: ['when told'], limitMs: ${PATIENCE_MS}, revive: Error, unanswered: Error };
      const worker = new Worker({ ...options, ...${JSON.stringify(options)} });
      const pid = await worker.ask('pid');
      worker.ask(...${call});
      // The call has reached the worker when a later one is answered; one that hangs answers no more.
      if (${call}[0] !== 'hang') await worker.ask('pid');
      console.log(pid);
      process.stdin.once('data', () => process.exit());`;
    const child = spawn(process.execPath, [...TYPESCRIPT, '--input-type=module', '-e', code], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    return [
      Number(line),
      async (by) => {
        if (by === 'kill') child.kill('SIGKILL');
        else child.stdin.write('\n');
        await ended;
      },
    ];
  }

  for (const by of ['exit', 'kill'] as const) {
    test(`by ${by}: one with nothing to do ends`, async () => {
      const [pid, end] = await parent(`['pid']`, {});
      await end(by);
      await gone(pid);
    });

    test(`by ${by}: one that is at work brings that to its end first`, async (t) => {
      const over = join(scratch(t), 'over');
      const [pid, end] = await parent(`['until', '${over}']`, { isDetached: true });
      await end(by);
      assert.ok(isAlive(pid));
      writeFileSync(over, '');
      await gone(pid);
    });
  }

  for (const by of ['exit', 'kill'] as const) {
    test(`by ${by}: one that is cut off ends in the middle of its work, and is not waited for`, async (t) => {
      const options = { isCutOff: true, job: ['when told', 'cut off'] };
      const [pid, end] = await parent(`['until', '${join(scratch(t), 'over')}']`, options);
      await end(by);
      await gone(pid);
    });
  }

  test('by kill: one that hangs on its main thread, and is cut off, ends where no systemd ends it', async () => {
    const [pid, end] = await parent(`['hang']`, { isCutOff: true, job: ['when told', 'cut off'] });
    await end('kill');
    await gone(pid);
  });

  test('one that hangs, and may be cut off, ends with it', async () => {
    const [pid, end] = await parent(`['hang']`, { isKillable: true });
    await end('exit');
    await gone(pid);
  });

  const apart = [
    [{ isDetached: true }, true],
    [{ isCutOff: true }, true],
    [{ isKillable: true }, false],
  ] as const;
  for (const [options, isApart] of apart) {
    test(`${Object.keys(options)}: Ctrl-C on the terminal ${isApart ? 'does not interrupt it' : 'ends it, too'}`, async (t) => {
      const held = setInterval(() => {}, 1_000);
      t.after(() => clearInterval(held));
      const worker = workerOf('when told', options);
      t.after(() => worker.end());
      const [pid, group] = [await worker.ask('pid'), await worker.ask('group')];
      assert.equal(group === String(pid), isApart);
    });
  }
});
