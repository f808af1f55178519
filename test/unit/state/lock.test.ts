import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { isLocked, takeLock } from '../../../agent/state/lock.ts';
import { testAsOthers } from '../../as-others.ts';
import { withEnvironment } from '../../put-back.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import { fault, scratch } from './disk.ts';

/** The kernel lists locks of flock(1) in its first PID namespace only. */
const LISTS_LOCKS = readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';

test('the second holder is refused by any name of the directory, however long; another directory is another lock', async (t) => {
  const parent = scratch(t);
  const directory = join(parent, 'n'.repeat(120));
  const alias = join(parent, 'alias');
  const lock = await takeLock(directory);
  symlinkSync(directory, alias);
  for (const name of [directory, alias, `/proc/self/cwd/${relative(process.cwd(), directory)}`])
    await assert.rejects(takeLock(name), fault('NL-DAEMON-RUNS', /Another newleaf already runs on .*(n{120}|alias)\./));
  const other = await takeLock(join(parent, 'other'));
  await Promise.all([lock.release(), other.release()]);
  await (await takeLock(directory)).release();
  assert.equal(statSync(directory).mode & 0o777, 0o750);
});

const LOCK = new URL('../../../agent/state/lock.ts', import.meta.url).href;
/** A process that takes the lock, and does this with it. */
function holding(directory: string, more = '') {
  const program = `const { takeLock } = await import('${LOCK}'); await takeLock(${JSON.stringify(directory)}); ${more}`;
  const argv = [...TYPESCRIPT, '--input-type=module', '-e', program];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the lock dies with its process, however that ends', async (t) => {
  const directory = scratch(t);
  const holder = holding(directory, "process.stdout.write('held'); setInterval(() => {}, 60_000);");
  await once(holder.stdout, 'data');
  await assert.rejects(takeLock(directory), fault('NL-DAEMON-RUNS', /already runs/));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await takeLock(directory)).release();
});

test('the lock does not keep the process alive', async (t) => {
  assert.deepEqual(await once(holding(scratch(t)), 'exit'), [0, null]);
});

test('whether it is held can be asked, and asking changes nothing', async (t) => {
  const directory = scratch(t);
  assert.equal(await isLocked(join(directory, 'absent')), false);
  assert.equal(await isLocked(directory), false);
  const lock = await takeLock(directory);
  assert.equal(await isLocked(directory), true);
  await lock.release();
  assert.equal(await isLocked(directory), false);
  assert.deepEqual(readdirSync(directory), ['daemon.lock']);
});

test('its file is for the daemon alone: no other user can hold the lock; that it is held, the group can see', async (t) => {
  const directory = scratch(t);
  chmodSync(directory, 0o755);
  const { uid, gid } = { uid: 12_345, gid: 12_346 };
  if (process.geteuid?.() === 0) chownSync(directory, uid, gid);
  const lock = await takeLock(directory);
  const file = statSync(join(directory, 'daemon.lock'));
  assert.equal(file.mode & 0o777, 0o600);
  if (process.geteuid?.() === 0) assert.deepEqual([file.uid, file.gid], [uid, gid]);
  const isListed = new RegExp(`FLOCK .*:${file.ino} `).test(readFileSync('/proc/locks', 'utf8'));
  assert.equal(isListed, LISTS_LOCKS);
  await lock.release();
});

testAsOthers(
  import.meta.filename,
  'of a file that is closed the kernel tells it; in a directory that is closed, it cannot be told',
  async (t) => {
    const directory = scratch(t);
    const lock = await takeLock(directory);
    const file = join(directory, 'daemon.lock');
    chmodSync(file, 0);
    assert.equal(await isLocked(directory), LISTS_LOCKS, 'its file is closed, and the kernel lists it');
    chmodSync(directory, 0);
    assert.equal(await isLocked(directory), false);
    chmodSync(directory, 0o700);
    await lock.release();
  },
);

test('those who ask keep no daemon out', async (t) => {
  const directory = scratch(t);
  const asked = Promise.all(Array.from({ length: 5 }, () => isLocked(directory)));
  const lock = await takeLock(directory);
  await asked;
  await lock.release();
});

test('of many that start at once, one has it', async (t) => {
  const directory = scratch(t);
  const taken = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(directory)));
  const held = taken.filter((one) => one.status === 'fulfilled');
  assert.equal(held.length, 1);
  await held[0]?.value.release();
});

describe('where there is no flock(1), or the file system has no locks', () => {
  for (const [name, script] of [
    ['it is missing', undefined],
    ['it fails', 'echo "flock: 3: No locks available" >&2; exit 65'],
    ['that of busybox fails', 'echo "flock: No locks available" >&2; exit 1'],
  ] as const) {
    test(`${name}: an abstract socket takes its place`, async (t) => {
      const programs = scratch(t);
      if (script !== undefined) writeFileSync(join(programs, 'flock'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      withEnvironment({ PATH: programs }, t);
      const directory = scratch(t);
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      const lock = await takeLock(directory);
      assert.equal(timers(), before, 'a command ends at once');
      assert.equal(await isLocked(directory), true);
      await assert.rejects(takeLock(directory), fault('NL-DAEMON-RUNS', /already runs/));
      await lock.release();
      assert.equal(await isLocked(directory), false);
      await (await takeLock(directory)).release();
    });
  }
});

test('a lock that cannot be opened is told, and no other is taken in its place', async (t) => {
  const directory = scratch(t);
  symlinkSync('/nowhere', join(directory, 'daemon.lock'));
  await assert.rejects(takeLock(directory), fault('NL-STATE-WRITE', /The lock .* cannot be opened/));
});
