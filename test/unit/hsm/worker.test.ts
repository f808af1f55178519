import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, test } from 'node:test';
import { startedBy, WORK } from '../../../hsm/job.ts';
import type { Worker } from '../../../hsm/worker.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import { type Calls, gone, isAlive, type Met, PATIENCE_MS, PROGRAM, workerOf } from './worker-of.ts';

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
