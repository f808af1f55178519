import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { createNotify } from '../../../agent/machine/notify.ts';
import { scratch } from '../state/disk.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SCRIPT = join(ROOT, 'scripts/container/newleaf-container');

test('the image says which version it has', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.match(readFileSync(join(ROOT, 'Dockerfile.arm64'), 'utf8'), new RegExp(`^ARG VERSION=${version}$`, 'm'));
});

/** One that outlives its shell would hold the output of this test. */
const SLEEP = 'exec /bin/sleep "$1" >/dev/null 2>&1';

/** A container with these scripts for `newleaf` and `sleep`. */
function container(t: TestContext, newleaf: string, sleep = SLEEP) {
  const directory = scratch(t);
  const install = (name: string, text: string) =>
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  install('newleaf', newleaf);
  install('sleep', sleep);
  const env = {
    ...process.env,
    PATH: `${directory}:${process.env.PATH}`,
    RUNTIME_DIRECTORY: directory,
    STATE_DIRECTORY: directory,
    NEWLEAF_CONFIG: `${directory}/etc/newleaf.toml`,
  };
  const pulse = join(directory, 'pulse');
  const start = (...args: string[]) => {
    const child = spawn(SCRIPT, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  const alive = () => spawnSync(SCRIPT, ['alive'], { env }).status === 0;
  return { directory, pulse, start, alive };
}

/** Its lines, one after the other: none is lost between two questions. */
function linesOf({ stdout }: ChildProcess): () => Promise<string> {
  assert.ok(stdout);
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  return async () => (await lines.next()).value ?? '';
}

const ended = (child: ChildProcess) => once(child, 'exit').then(([code]) => code);

test('it is alive while newleaf runs, passes on what it is told, and ends with its exit code', async (t) => {
  const { start, alive, pulse } = container(t, `trap 'exit 6' TERM; echo "$*"; while :; do sleep 0.1; done`);
  assert.equal(alive(), false, 'before the start');
  const child = start('run', '--config', 'x');
  const said = linesOf(child);
  assert.equal(await said(), 'run --config x');
  assert.equal(alive(), true);
  child.kill('SIGTERM');
  assert.equal(await ended(child), 6);
  assert.deepEqual([alive(), existsSync(pulse)], [false, false]);
});

test('a shell is passed on, and what else is no path is a command of newleaf', async (t) => {
  const { start } = container(t, 'echo "newleaf $*"');
  for (const [asked, said] of [
    [['sh', '-c', 'echo here'], 'here'],
    [['/bin/echo', 'there'], 'there'],
    [['status', '--json'], 'newleaf status --json'],
  ] as const)
    assert.equal(await linesOf(start(...asked))(), said);
});

test('newleaf that hangs is ended, and says so', async (t) => {
  const looksAtOnce = `[ "$1" != 5 ] || exec /bin/sleep 0.1; ${SLEEP}`;
  const { start, alive, pulse, directory } = container(
    t,
    `trap '' TERM; echo begun; while :; do sleep 0.1; done`,
    looksAtOnce,
  );
  const child = start('run');
  const said = linesOf(child);
  assert.equal(await said(), 'begun');
  writeFileSync(pulse, `${String(Math.floor(uptime()) - 2).padStart(12, '0')}\n`);
  assert.equal(alive(), false);
  const line = JSON.parse(await said());
  assert.deepEqual([line.level, line.event], ['error', 'hangs']);
  const rest = JSON.parse(await said());
  assert.deepEqual([rest.level, rest.event], ['info', 'resting']);
  assert.equal(readFileSync(join(directory, 'crashed'), 'utf8'), 'watchdog\n');
  child.kill('SIGTERM');
  assert.equal(await ended(child), 0);
});

test('a fault after another leaves the token alone for half a minute in between', async (t) => {
  const { start, directory } = container(t, 'exit 4', 'echo "$1" >>"$RUNTIME_DIRECTORY/slept"; exec /bin/sleep 1');
  const begun = uptime();
  const child = start('run');
  const said = linesOf(child);
  assert.equal(JSON.parse(await said()).event, 'resting');
  assert.equal(await ended(child), 4);
  const slept = readFileSync(join(directory, 'slept'), 'utf8').trim().split('\n').map(Number);
  assert.ok(Math.max(...slept) >= 29, `${slept} s`);
  assert.ok(uptime() - begun >= 1, 'it is waited for');
});

/** newleaf that says this before it ends. */
const ends = (code: number, line: string) => `echo '${line}' >>"$NEWLEAF_PULSE"; exit ${code}`;
const QUICK = 'exec /bin/sleep 0.05 >/dev/null 2>&1';

for (const code of [2, 4])
  test(`newleaf that needs a person (${code}): the container waits, alive, until the configuration changes`, async (t) => {
    const { start, alive, pulse, directory } = container(
      t,
      ends(code, 'NL-TOKEN-PIN The token refused the PIN.'),
      QUICK,
    );
    mkdirSync(join(directory, 'etc'));
    const child = start('run');
    const said = linesOf(child);
    assert.equal(JSON.parse(await said()).event, 'waiting');
    rmSync(pulse);
    while (!alive());
    assert.equal(child.exitCode, null);
    writeFileSync(join(directory, 'etc/pin'), '1234\n');
    assert.equal(JSON.parse(await said()).event, 'resting', 'the token is left alone all the same');
    assert.equal(await ended(child), code);
  });

test('newleaf that needs a person: a container that is told to stop does so at once', async (t) => {
  const { start } = container(t, ends(4, 'NL-STATE-CORRUPT The state file is damaged.'));
  const child = start('run');
  assert.equal(JSON.parse(await linesOf(child)()).event, 'waiting');
  child.kill('SIGTERM');
  assert.equal(await ended(child), 0);
});

for (const [what, line] of [
  ['a module has ended newleaf', 'serving, online at hub; NL-TOKEN-PIN of before'],
  ['a change has come while newleaf ran', 'NL-CONFIG Wrong.'],
] as const)
  test(`${what}, with code 2: the container does not wait`, async (t) => {
    const { start } = container(t, `mkdir "$RUNTIME_DIRECTORY/etc"; ${ends(2, line)}`, QUICK);
    const child = start('run');
    const said = linesOf(child);
    const events = [];
    for (let text = await said(); text !== ''; text = await said()) events.push(JSON.parse(text).event);
    assert.equal(events.at(-1), 'resting');
    assert.equal(await ended(child), 2);
  });

test('newleaf that crashes: the next start is told', async (t) => {
  const { start, directory } = container(t, 'kill -SEGV $$', QUICK);
  assert.equal(await ended(start('run')), 139);
  assert.equal(readFileSync(join(directory, 'crashed'), 'utf8'), 'SEGV\n');
});

test('other commands take its place', async (t) => {
  const { start } = container(t, 'echo "$$ $*"; exit 4');
  const child = start('status', '--json');
  const said = linesOf(child);
  assert.equal(await said(), `${child.pid} status --json`);
  assert.equal(await ended(child), 4);
});

test('the daemon says until when it is alive, by a clock that cannot be set', async (t) => {
  const { pulse, alive } = container(t, '');
  writeFileSync(pulse, '');
  const failed: Error[] = [];
  const notify = createNotify({ NEWLEAF_PULSE: pulse, WATCHDOG_USEC: '180000000' }, (cause) => failed.push(cause));
  assert.equal(notify.watchdogMs, 180_000);
  const leftSeconds = () => Number.parseInt(readFileSync(pulse, 'utf8'), 10) - uptime();
  await notify.watchdog();
  assert.ok(leftSeconds() > 170 && leftSeconds() <= 181, `${leftSeconds()}`);
  assert.equal(alive(), true);
  for (const line of ['serving, with a long line', 'NL-CONFIG a=b']) {
    await notify.status(line);
    await notify.watchdog();
    assert.equal(readFileSync(pulse, 'utf8').split('\n').slice(1).join('|'), `${line}|`);
  }
  await notify.expect(30_000);
  assert.ok(leftSeconds() > 25 && leftSeconds() <= 31, `${leftSeconds()}`);
  assert.deepEqual(failed, []);
});

test('a file that cannot be written is told, and nothing breaks', async () => {
  const failed: string[] = [];
  const env = { NEWLEAF_PULSE: '/nowhere/pulse', WATCHDOG_USEC: '180000000' };
  await createNotify(env, ({ message }) => failed.push(message)).watchdog();
  assert.match(failed[0] ?? '', /ENOENT/);
});
