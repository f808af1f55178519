import assert from 'node:assert/strict';
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { mint } from '../certificate/mint.ts';
import { CSR, failureOf, type Staged, script } from './script.ts';

/** Resolves when the script has written a line to this file. */
async function written({ directory }: Staged, name: string): Promise<string> {
  const file = join(directory, name);
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
  if (read().length < 2) {
    await new Promise<void>((resolve) => {
      const watcher = watch(directory, () => {
        if (read().length < 2) return;
        watcher.close();
        resolve();
      });
    });
  }
  return read()[0] ?? '';
}

const pidIn = async (staged: Staged, name: string) => Number(await written(staged, name));

/** A killed process is there until its parent, or init, has asked for it: state Z (proc(5)). */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await setTimeout(5);
}

describe('a program that does not end', { concurrency: true }, () => {
  test('is ended at its time limit, with what it has started', async (t) => {
    const staged = script(t, 'echo working >&2; sleep 600 & echo $! >"$HERE/pid"; wait', { deadlineMs: 1_000 });
    const { code, kind, message, cause } = await failureOf(staged.issue());
    assert.deepEqual([code, kind, cause], ['NL-CMD-FAILED', 'transient', 'working']);
    assert.equal(message, 'The command did not finish within 1 s.');
    await gone(await pidIn(staged, 'pid'));
  });

  test('is killed where it does not listen, and its children with it', async (t) => {
    const body = 'trap "" TERM; (trap "" TERM; sleep 600) & echo $! >"$HERE/pid"; while :; do sleep 600; done';
    const staged = script(t, body, { deadlineMs: 1_000 });
    assert.equal((await failureOf(staged.issue())).code, 'NL-CMD-FAILED');
    await gone(await pidIn(staged, 'pid'));
  });

  test('may still hand over the leaf; any other last words do not count', async (t) => {
    const body = (words: string) => `trap '${words}' TERM; sleep 600 & wait`;
    const leaf = await mint();
    const [early, late] = [
      script(t, body('echo id-7; exit 1'), { deadlineMs: 1_000 }),
      script(t, body('cat "$HERE/answer"; exit 0'), { deadlineMs: 1_000 }),
    ];
    writeFileSync(join(late.directory, 'answer'), leaf.pem);
    assert.equal((await failureOf(early.issue())).code, 'NL-CMD-FAILED');
    assert.equal(early.cookie, undefined);
    assert.match(await late.issue(), /^-----BEGIN CERTIFICATE-----/);
  });

  test('an abort ends it, and is no failure of the program', async (t) => {
    const staged = script(t, 'echo $$ >"$HERE/pid"; sleep 600');
    const abort = new AbortController();
    const issuing = staged.issue(CSR, abort.signal);
    const told = assert.rejects(issuing, /the daemon stops/);
    const pid = await pidIn(staged, 'pid');
    abort.abort(new Error('the daemon stops'));
    await told;
    assert.equal(isRunning(pid), false);
  });

  test('an abort before the start starts nothing', async (t) => {
    const staged = script(t, 'touch "$HERE/started"');
    await assert.rejects(staged.issue(CSR, AbortSignal.abort(new Error('no'))), /^Error: no$/);
    assert.equal(existsSync(join(staged.directory, 'started')), false);
  });
});

describe('a program that has ended', { concurrency: true }, () => {
  test('does not wait for a grandchild that holds its stdout open: that one is killed', async (t) => {
    const staged = script(t, 'sleep 600 & echo $! >"$HERE/pid"; echo no; exit 2');
    const { code, cause } = await failureOf(staged.issue());
    assert.deepEqual([code, cause], ['NL-CMD-REFUSED', 'no']);
    await gone(await pidIn(staged, 'pid'));
  });

  test('nor for one in a session of its own, which is left alone', async (t) => {
    const staged = script(
      t,
      'setsid sh -c "echo \\$\\$ >$HERE/pid; exec sleep 600" & while [ ! -s "$HERE/pid" ]; do sleep 0.01; done; echo no; exit 2',
    );
    const { code, cause } = await failureOf(staged.issue());
    assert.deepEqual([code, cause], ['NL-CMD-REFUSED', 'no']);
    const pid = await pidIn(staged, 'pid');
    assert.equal(isRunning(pid), true);
    process.kill(pid, 'SIGKILL');
  });

  test('may have started something that holds nothing of it', async (t) => {
    const staged = script(t, 'sleep 600 >/dev/null 2>&1 & echo $! >"$HERE/pid"; exit 2');
    assert.equal((await failureOf(staged.issue())).code, 'NL-CMD-REFUSED');
    const pid = await pidIn(staged, 'pid');
    assert.equal(isRunning(pid), true);
    process.kill(pid, 'SIGKILL');
  });
});

describe('a program that prints', { concurrency: true }, () => {
  test('more than 256 KiB is ended', async (t) => {
    const { code, message } = await failureOf(script(t, 'cat /dev/zero').issue());
    assert.deepEqual([code, message], ['NL-CMD-FAILED', 'The command printed more than 262144 bytes.']);
  });

  test('lines to stderr: they are logged, shortened, the first fifty', async (t) => {
    const long = 'head -c 100000 /dev/zero | tr "\\0" x >&2; echo >&2';
    const many = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i" >&2; done';
    const staged = script(t, `echo first >&2; echo >&2; ${long}; ${many}; printf last >&2; exit 3`);
    const { cause } = await failureOf(staged.issue());
    assert.deepEqual(staged.logged.slice(0, 3), ['first', 'x'.repeat(300), 'line 1']);
    assert.deepEqual(staged.logged.slice(49), ['line 48', '… and 13 lines more']);
    assert.match(cause ?? '', /^first x{200,294}$/);
  });

  test('without end to stderr is no danger', async (t) => {
    const staged = script(t, 'cat /dev/zero >&2', { deadlineMs: 1_000 });
    assert.equal((await failureOf(staged.issue())).code, 'NL-CMD-FAILED');
    assert.ok(staged.logged.join('').length <= 300);
  });
});
