import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeLock } from '../../../agent/lock.ts';
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
    import { takeLock } from ${JSON.stringify(new URL('../../../agent/lock.ts', import.meta.url).href)};
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
    import { takeLock } from ${JSON.stringify(new URL('../../../agent/lock.ts', import.meta.url).href)};
    await takeLock(${JSON.stringify(scratch(t))});`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', child], { stdio: 'inherit' });
  assert.deepEqual(await once(holder, 'exit'), [0, null]);
});
