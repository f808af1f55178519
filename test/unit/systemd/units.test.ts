import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../state/disk.ts';

const UNITS = join(import.meta.dirname, '..', '..', '..', 'systemd');
const SYSTEM = 'usr/lib/systemd/system';
/** In tenths, as systemd-analyze takes it. While it runs, `NotifyAccess=` is tighter: test/system/notify.test.ts. */
const LARGEST_EXPOSURE = 13;
const WITH_TPM = 14;

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
  for (const unit of units()) {
    copyFileSync(join(UNITS, unit), join(path, SYSTEM, unit));
    writeFileSync(join(path, SYSTEM, templateOf(unit)), template(unit));
  }
  return path;
}

/** As the packages make it. */
const template = (unit: string) =>
  spawnSync('sed', ['-f', join(UNITS, 'instance.sed'), join(UNITS, unit)], { encoding: 'utf8' }).stdout;
const templateOf = (unit: string) => unit.replace('.', '@.');
const instanceOf = (unit: string) => unit.replace('.', '@plant.');

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
  assert.deepEqual(verify(...units(), ...units().map(instanceOf)), { status: 0, said: '' });
  addTpm(path);
  assert.deepEqual(verify('newleaf.service'), { status: 0, said: '' });
});

test('the units are exposed as little as can be, with and without the TPM drop-in', { skip }, (t) => {
  const path = root(t);
  const assertTight = (unit: string, largest = LARGEST_EXPOSURE) => {
    const options = ['--offline=true', `--threshold=${largest}`];
    const { status, said } = analyze(`--root=${path}`, 'security', ...options, unit);
    assert.equal(status, 0, said.match(/^✗.*|^→.*/gm)?.join('\n'));
  };
  for (const unit of ['newleaf.service', 'newleaf-fallback.service']) {
    assertTight(unit);
    assertTight(instanceOf(unit));
  }
  addTpm(path);
  assertTight('newleaf.service', WITH_TPM);
});

test('the unit of another daemon is the same but for its names', () => {
  const isOther = (unit: string, line: string) => !readFileSync(join(UNITS, unit), 'utf8').split('\n').includes(line);
  const other = (unit: string) =>
    template(unit)
      .split('\n')
      .filter((line) => isOther(unit, line));
  assert.deepEqual(other('newleaf.service'), [
    "Description=newleaf, keeper of this gateway's leaf certificate (%i)",
    'Wants=newleaf-fallback@%i.timer',
    "ExecCondition=+/bin/sh -c 'test -e /var/lib/newleaf@%i/state.json || \\",
    '  grep -qs "^[^#]*\\\\(id_scope\\\\|registration_id\\\\)" "$${NEWLEAF_CONFIG:-/etc/newleaf/%i/newleaf.toml}" || \\',
    `  { echo "Not set up yet: sudo newleaf --instance %i init"; exit 1; }'`,
    "ExecStartPre=+-/bin/sh -c 'chown -h newleaf: /var/lib/newleaf@%i/state.json 2>/dev/null'",
    `ExecStartPre=+/bin/sh -c 'sed "s,/etc/newleaf,&/%i,; s,/var/lib/newleaf,&@%i,; s,/run/newleaf-uplink,&@%i," /usr/lib/tmpfiles.d/newleaf.conf | systemd-tmpfiles --create -'`,
    'ExecStart=/usr/bin/newleaf run --instance %i',
    'StateDirectory=newleaf newleaf@%i',
    'RuntimeDirectory=newleaf@%i',
    'LoadCredential=hsm-pin:/etc/newleaf/%i/pin',
    'ReadWritePaths=-/run/newleaf-uplink@%i',
  ]);
  assert.deepEqual(other('newleaf-fallback.service').slice(1), ['ExecStart=/bin/sh /usr/share/newleaf/fallback %i']);
  assert.equal(other('newleaf-fallback.timer').length, 1, 'the description');
});
