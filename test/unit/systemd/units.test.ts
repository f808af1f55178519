import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../state/disk.ts';

const UNITS = join(import.meta.dirname, '..', '..', '..', 'systemd');
const SYSTEM = 'usr/lib/systemd/system';
/** In tenths, as systemd-analyze takes it. */
const LARGEST_EXPOSURE = '15';

const isMissing = spawnSync('systemd-analyze', ['--version']).error !== undefined;
const skip = isMissing && 'systemd-analyze is not installed';

/** A file system with nothing but units, and the programs that ours start. */
function root(t: TestContext): string {
  const path = scratch(t);
  for (const directory of ['usr/lib/systemd', 'usr/bin', 'usr/share/newleaf']) {
    mkdirSync(join(path, directory), { recursive: true });
  }
  symlinkSync('usr/bin', join(path, 'bin'));
  cpSync(join('/', SYSTEM), join(path, SYSTEM), { recursive: true, verbatimSymlinks: true });
  for (const program of ['sh', 'newleaf']) writeFileSync(join(path, 'usr/bin', program), '', { mode: 0o755 });
  for (const unit of units()) copyFileSync(join(UNITS, unit), join(path, SYSTEM, unit));
  return path;
}

const units = () => readdirSync(UNITS).filter((name) => /\.(service|timer)$/.test(name));

function analyze(...args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

/** As the comment in the file tells the technician. */
function addTpm(path: string): void {
  const directory = join(path, 'etc/systemd/system/newleaf.service.d');
  mkdirSync(directory, { recursive: true });
  copyFileSync(join(UNITS, 'tpm.conf'), join(directory, 'tpm.conf'));
}

test('systemd has no complaint about the units, with and without the TPM drop-in', { skip }, (t) => {
  const path = root(t);
  // The page of the manual is in the package only.
  const verify = (...names: readonly string[]) => analyze(`--root=${path}`, 'verify', '--man=no', ...names);
  assert.deepEqual(verify(...units()), { status: 0, said: '' });
  addTpm(path);
  assert.deepEqual(verify('newleaf.service'), { status: 0, said: '' });
});

test('the units are exposed as little as can be, with and without the TPM drop-in', { skip }, (t) => {
  const path = root(t);
  const assertTight = (unit: string) => {
    const options = ['--offline=true', `--threshold=${LARGEST_EXPOSURE}`];
    const { status, said } = analyze(`--root=${path}`, 'security', ...options, unit);
    assert.equal(status, 0, said.match(/^✗.*|^→.*/gm)?.join('\n'));
  };
  assertTight('newleaf.service');
  assertTight('newleaf-fallback.service');
  addTpm(path);
  assertTight('newleaf.service');
});
