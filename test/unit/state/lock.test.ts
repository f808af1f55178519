import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { isLocked, takeLock } from '../../../agent/state/lock.ts';
import { fault, scratch } from './disk.ts';

test('the second holder is refused, also by another name of the directory; another directory is another lock', async (t) => {
  const parent = scratch(t);
  const directory = join(parent, 'newleaf');
  const lock = await takeLock(directory);
  symlinkSync(directory, join(parent, 'alias'));
  for (const name of [directory, join(parent, 'alias')])
    await assert.rejects(
      takeLock(name),
      fault('NL-DAEMON-RUNS', /Another newleaf already runs on .*(newleaf|alias)\./),
    );
  const other = await takeLock(join(parent, 'other'));
  await Promise.all([lock.release(), other.release()]);
  await (await takeLock(directory)).release();
  assert.equal(statSync(directory).mode & 0o777, 0o750);
});

test('the lock dies with its process, however that ends', async (t) => {
  const directory = scratch(t);
  const child = `
    import { takeLock } from ${JSON.stringify(new URL('../../../agent/state/lock.ts', import.meta.url).href)};
    await takeLock(${JSON.stringify(directory)});
    process.stdout.write('held');
    setInterval(() => {}, 60_000);`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', child], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await assert.rejects(takeLock(directory), fault('NL-DAEMON-RUNS', /already runs/));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await takeLock(directory)).release();
});

test('the lock does not keep the process alive', async (t) => {
  const child = `
    import { takeLock } from ${JSON.stringify(new URL('../../../agent/state/lock.ts', import.meta.url).href)};
    await takeLock(${JSON.stringify(scratch(t))});`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', child], { stdio: 'inherit' });
  assert.deepEqual(await once(holder, 'exit'), [0, null]);
});

test('whether it is held can be asked, also where its file is gone, and asking changes nothing', async (t) => {
  const [directory, runtime] = [scratch(t), scratch(t)];
  assert.equal(await isLocked(join(directory, 'absent')), false);
  assert.equal(await isLocked(directory), false);
  const lock = await takeLock(directory, runtime);
  assert.equal(await isLocked(directory), true);
  rmSync(join(runtime, 'lock'));
  assert.equal(await isLocked(directory), true);
  await lock.release();
  const left = readdirSync(directory);
  assert.equal(await isLocked(directory), false);
  assert.deepEqual(readdirSync(directory), left);
});

test('it is in the directory, where only the daemon can put one, and goes with it', async (t) => {
  const directory = join(scratch(t), 'n'.repeat(120));
  const lock = await takeLock(directory);
  assert.ok(statSync(join(directory, 'lock')).isSocket());
  await lock.release();
  assert.deepEqual(readdirSync(directory), []);
});

test('a stranger who takes the abstract name first keeps nobody out', async (t) => {
  const directory = scratch(t);
  const name = `\0newleaf:${createHash('sha512').update(directory).digest('hex')}`.slice(0, 108);
  const stranger = createServer().listen(name);
  t.after(() => stranger.close());
  await once(stranger, 'listening');
  await dead(directory);
  const lock = await takeLock(directory);
  await assert.rejects(takeLock(directory), fault('NL-DAEMON-RUNS', /already runs/));
  await lock.release();
});

test('of many that start at once, after one that was killed, one has it', async (t) => {
  const directory = scratch(t);
  await dead(directory);
  const taken = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(directory)));
  const held = taken.filter((one) => one.status === 'fulfilled');
  assert.equal(held.length, 1);
  await held[0]?.value.release();
  assert.deepEqual(readdirSync(directory), []);
});

/** What a daemon that was killed leaves behind. */
async function dead(directory: string): Promise<void> {
  const path = JSON.stringify(join(directory, 'lock'));
  const child = `require('node:net').createServer().listen(${path}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', child]), 'exit');
  assert.deepEqual(readdirSync(directory), ['lock']);
}
