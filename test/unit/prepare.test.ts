import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const scripts = join(import.meta.dirname, '..', '..', 'scripts');
const directory = mkdtempSync(join(tmpdir(), 'newleaf-prepare-'));
after(() => rmSync(directory, { recursive: true }));

const NEEDED =
  'newleaf needs Node 20.19 to 26 with its npm. Debian 13 has them: apt-get install nodejs npm. For other systems: https://nodejs.org/en/download\n';

/** A PATH with nothing but these programs, which print one line, and what a script needs until Node is judged. */
function pathWith(name: string, programs: Readonly<Record<string, string>>): string {
  const path = join(directory, name);
  mkdirSync(path);
  for (const tool of ['bash', 'dirname', 'sed', 'sort', 'grep', 'mktemp', 'rm', 'mkdir', 'rmdir', 'sleep', 'flock'])
    symlinkSync(`/usr/bin/${tool}`, join(path, tool));
  // The first thing that would be done: it ends the script.
  const all = { 'dpkg-query': 'installed; exit 3', dpkg: 'amd64', ...programs };
  for (const [program, line] of Object.entries(all)) {
    writeFileSync(join(path, program), `#!/bin/sh\necho ${line}\n`);
    chmodSync(join(path, program), 0o755);
  }
  return path;
}

function prepare(PATH: string, script = 'prepare', ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(scripts, script), args, { env: { PATH }, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('a machine without a fitting Node gets one sentence, and nothing is installed', () => {
  const refused = ['v18.20.4', 'v20.18.3', 'v8.17.0', 'v27.0.0', 'v100.0.0'];
  for (const version of refused) {
    test(version, () => {
      const path = pathWith(version, { node: version, npm: '9.2.0' });
      const stderr = `The Node on this machine is ${version.slice(1)} (${path}/node). ${NEEDED}`;
      assert.deepEqual(prepare(path), { status: 1, stdout: '', stderr });
    });
  }

  test('none', () => {
    const stderr = `There is no Node on this machine. ${NEEDED}`;
    assert.deepEqual(prepare(pathWith('none', {})), { status: 1, stdout: '', stderr });
  });

  test('Node without npm', () => {
    const stderr = `There is no npm on this machine, only Node 20.19.2. ${NEEDED}`;
    assert.deepEqual(prepare(pathWith('no-npm', { node: 'v20.19.2' })), { status: 1, stdout: '', stderr });
  });

  for (const [script, ...args] of [['demo'], ['test', 'check'], ['package', 'deb', 'amd64']] as const) {
    test(`scripts/${script} ${args.join(' ')}`, () => {
      const { status, stderr } = prepare(pathWith(script, { node: 'v18.20.4' }), script, ...args);
      assert.equal(status, 1);
      assert.match(stderr, /^The Node on this machine is 18\.20\.4 /);
    });
  }
});

for (const version of ['v20.19.0', 'v20.19.2', 'v24.21.0', 'v26.9.1']) {
  test(`${version} will do`, () => {
    const { stderr } = prepare(pathWith(version, { node: version, npm: '9.2.0' }));
    assert.doesNotMatch(stderr, /Node/);
  });
}

test('before a step that says nothing: what it installs, how much that is, and how long it takes', () => {
  const apt = { 'dpkg-query': 'absent', id: '0', 'apt-get': 'Need to get 5 MB of archives.' };
  const path = pathWith('silent', { node: 'v20.19.2', npm: '9.2.0', ...apt });
  const { status, stdout } = prepare(path, 'prepare', 'binutils');
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^Installing Debian packages: g\+\+ .* binutils\nNeed to get 5 MB .*\nOne to three minutes, without a word:\n/,
  );
  assert.match(stdout, /\nBuilding dist\/newleaf\.js: some seconds\.\n/);
});

test('two at once, as stages that run together: one waits for the other, as apt takes no second one', async () => {
  const busy = join(directory, 'busy');
  const apt = {
    'dpkg-query': 'absent',
    id: '0',
    'apt-get': `Need to get 5 MB; mkdir ${busy} || exit 100; sleep 0.1; rmdir ${busy}`,
  };
  const PATH = pathWith('two', { node: 'v20.19.2', npm: '9.2.0', ...apt });
  const both = [1, 2].map(() => spawn(join(scripts, 'prepare'), { env: { PATH }, stdio: 'ignore' }));
  assert.deepEqual(await Promise.all(both.map((one) => once(one, 'exit'))), [
    [0, null],
    [0, null],
  ]);
});
