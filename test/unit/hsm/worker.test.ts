import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startedBy, WORK } from '../../../hsm/job.ts';
import { Worker, type WorkerOptions } from '../../../hsm/worker.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import { scratch } from '../state/disk.ts';

const PROGRAM = [process.execPath, ...TYPESCRIPT, join(import.meta.dirname, 'worker-job.ts')];
const PATIENCE_MS = 60_000;

interface Calls {
  echo(...asked: readonly unknown[]): readonly unknown[];
  pid(): number;
  argv(): readonly string[];
  environment(): string;
  group(): string;
  later(ms: number, value: string): Promise<string>;
  noise(): string;
  refuse(kind: string): void;
  exit(code: number): void;
  crash(): void;
  hang(): void;
}

interface Met {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
}

type Options = WorkerOptions<Met>;
type Ends = 'after one call' | 'after a failure' | 'when told';

const workerOf = (ends: Ends, options: Partial<Options> = {}) =>
  new Worker<Calls, Met>({
    job: [ends],
    limitMs: PATIENCE_MS,
    isQuiet: true,
    revive: (met) => Object.assign(new Error(met.message), met),
    unanswered: ({ why, how }, name) => Object.assign(new Error(`${name}: ${how}`), { why }),
    ...options,
  });

/** Whether there is such a process that is not a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (isAlive(pid)) {
    assert.ok(performance.now() < deadline, `process ${pid} lives on`);
    await sleep(20);
  }
}

beforeEach(() => startedBy(PROGRAM));

test('answers go to the calls they belong to, whichever comes first; all of them come from one process', async (t) => {
  const worker = workerOf('when told');
  t.after(() => worker.end());
  const [slow, quick, first, second] = await Promise.all([
    worker.ask('later', 400, 'slow').then((said) => [said, performance.now()] as const),
    worker.ask('later', 1, 'quick').then((said) => [said, performance.now()] as const),
    worker.ask('pid'),
    worker.ask('pid'),
  ]);
  assert.deepEqual([slow[0], quick[0]], ['slow', 'quick']);
  assert.ok(quick[1] < slow[1], 'they overlap');
  assert.equal(first, second);
});

test('bytes, nothing, and what JSON does not know go both ways', async (t) => {
  const worker = workerOf('when told');
  t.after(() => worker.end());
  const asked = [Buffer.from('bytes'), undefined, { at: undefined, list: [1n, new Date(0)] }, new Map([['a', 1]])];
  assert.deepEqual(await worker.ask('echo', ...asked), asked);
});

test('the program is started with the internal command, the job and its arguments, and no secret', async () => {
  const worker = workerOf('when told', { job: ['when told', '/dev/tpm'], prefix: ['env', 'NEWLEAF_TEST=prefix'] });
  assert.deepEqual(await worker.ask('echo', 'secret-8271'), ['secret-8271']);
  assert.deepEqual(await worker.ask('argv'), [WORK, 'when told', '/dev/tpm']);
  const environment = await worker.ask('environment');
  assert.ok(environment.includes('"NEWLEAF_TEST":"prefix"') && !environment.includes('secret-8271'));
  worker.end();
});

test('an error of the job comes through as it is explained there', async (t) => {
  const worker = workerOf('when told', { job: ['when told', 'x'] });
  t.after(() => worker.end());
  const expected = { kind: 'pin', code: 'CKR_X', message: 'it is pin', args: ['x'] };
  await assert.rejects(worker.ask('refuse', 'pin'), expected);
  assert.equal(await worker.ask('later', 1, 'on'), 'on', 'the process goes on');
});

test('what a module writes to stdout and stderr is no answer, and is not seen', async () => {
  const code = `
    const { startedBy } = await import('${join(import.meta.dirname, '../../../hsm/job.ts')}');
    const { Worker } = await import('${join(import.meta.dirname, '../../../hsm/worker.ts')}');
    startedBy(${JSON.stringify(PROGRAM)});
    for (const isQuiet of [true, false]) {
      const worker = new Worker({ job: ['after one call'], limitMs: ${PATIENCE_MS}, isQuiet, revive: Error, unanswered: Error });
      console.log(await worker.ask('noise'));
    }`;
  const child = spawn(process.execPath, [...TYPESCRIPT, '--input-type=module', '-e', code]);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.deepEqual([out, err], ['said\nsaid\n', 'NOISE\n']);
});

describe('no answer', () => {
  const rows: readonly (readonly [what: string, ask: (worker: Worker<Calls, Met>) => Promise<unknown>, how: object])[] =
    [
      ['it crashes', (worker) => worker.ask('crash'), { message: 'crash: SIGSEGV', why: 'ended' }],
      ['it ends', (worker) => worker.ask('exit', 7), { message: 'exit: exit code 7', why: 'ended' }],
    ];
  for (const [what, ask, how] of rows) {
    test(`${what}: every other call fails alike, and so does every later one`, async () => {
      const worker = workerOf('when told');
      await worker.ask('pid');
      const first = ask(worker);
      await Promise.all([assert.rejects(first, how), assert.rejects(worker.ask('later', 9_000, ''), how)]);
      await assert.rejects(worker.ask('pid'), how);
    });
  }

  test('it hangs: each call has its own limit, and the process is killed', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const worker = workerOf('when told', { limitMs: 3_000 });
    const pid = await worker.ask('pid');
    t.mock.timers.tick(2_000);
    // The limit of this one begins with it.
    const second = worker.ask('pid');
    t.mock.timers.tick(2_000);
    assert.equal(await second, pid);
    const late = { message: 'hang: SIGKILL', why: 'late' };
    const hanging = [assert.rejects(worker.ask('hang'), late), assert.rejects(worker.ask('pid'), late)];
    t.mock.timers.tick(3_000);
    await Promise.all(hanging);
    t.mock.timers.reset();
    await gone(pid);
  });

  test('it cannot be started', async () => {
    startedBy(['/absent/node']);
    await assert.rejects(workerOf('when told').ask('pid'), {
      message: /^pid: spawn \/absent\/node ENOENT$/,
      why: 'unstarted',
    });
  });

  test('a program that has not said how it is started starts nothing', async () => {
    startedBy([]);
    await assert.rejects(workerOf('when told').ask('pid'), { message: `pid: spawn ${WORK} ENOENT`, why: 'unstarted' });
  });
});

describe('the process ends', () => {
  test('after one call, before the answer is handed on', async () => {
    for (const [name, value] of [
      ['echo', 'x'],
      ['refuse', 'pin'],
    ] as const) {
      const worker = workerOf('after one call');
      const answer = worker.ask(name, value);
      // Nothing else may be done in it.
      const second = worker.ask('later', 9_000, 'second');
      await (name === 'echo' ? answer : assert.rejects(answer, { kind: 'pin' }));
      await assert.rejects(second, { why: 'ended' });
    }
    const pid = await workerOf('after one call').ask('pid');
    assert.ok(!isAlive(pid));
  });

  test('after a failure, and the next call starts another where there is one only while it is needed', async (t) => {
    const worker = workerOf('after a failure', { lingerMs: PATIENCE_MS });
    t.after(() => worker.end());
    const before = await worker.ask('pid');
    assert.equal(await worker.ask('pid'), before);
    await assert.rejects(worker.ask('refuse', 'pin'), { kind: 'pin' });
    assert.ok(!isAlive(before));
    const after = await worker.ask('pid');
    assert.notEqual(after, before);
    await assert.rejects(worker.ask('crash'), { why: 'ended' });
    assert.notEqual(await worker.ask('pid'), after);
  });

  test('when nothing has been asked for the time that it lingers', async () => {
    const worker = workerOf('when told', { lingerMs: 50 });
    const pid = await worker.ask('pid');
    await gone(pid);
    assert.notEqual(await worker.ask('pid'), pid);
  });

  test('when told: after what it has been asked', async () => {
    const worker = workerOf('when told', { lingerMs: PATIENCE_MS });
    const pid = await worker.ask('pid');
    const asked = worker.ask('later', 200, 'done');
    worker.end();
    assert.equal(await asked, 'done');
    await gone(pid);
  });

  test('when told, and at once where it may be cut off', async () => {
    const worker = workerOf('when told', { isKillable: true });
    const pid = await worker.ask('pid');
    const asked = worker.ask('hang');
    worker.end();
    await assert.rejects(asked, { message: 'hang: SIGKILL' });
    await gone(pid);
  });
});

test('one that has ended leaves nothing in this process', { timeout: PATIENCE_MS }, async (t) => {
  // One that is cut off holds no process.
  const held = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(held));
  const left = () => [process.listenerCount('exit'), readdirSync('/proc/self/fd').length];
  const worker = workerOf('when told', { isCutOff: true, lingerMs: PATIENCE_MS, job: ['when told', 'cut off'] });
  const before = left();
  for (let times = 0; times < 2; times += 1) {
    const pid = await worker.ask('pid');
    worker.end();
    await gone(pid);
    while (left().join() !== before.join()) await sleep(5);
  }
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

  test('one that is detached has a process group of its own', async (t) => {
    for (const isDetached of [true, false]) {
      const worker = workerOf('when told', { isDetached });
      t.after(() => worker.end());
      const [pid, group] = [await worker.ask('pid'), await worker.ask('group')];
      assert.equal(group === String(pid), isDetached);
    }
  });
});
