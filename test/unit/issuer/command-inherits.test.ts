import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TYPESCRIPT } from '../../typescript.ts';
import { scratch } from '../state/disk.ts';

/** What systemd and hsm/engine.ts give the daemon, and what a shell of an operator has. */
const OURS = {
  CREDENTIALS_DIRECTORY: '/run/credentials/newleaf.service',
  NOTIFY_SOCKET: '/run/systemd/notify',
  WATCHDOG_USEC: '30000000',
  WATCHDOG_PID: '1',
  LISTEN_FDS: '1',
  LISTEN_PID: '1',
  LISTEN_FDNAMES: 'x',
  FDSTORE: '3',
  NODE_OPTIONS: '--max-old-space-size=200',
  OPENSSL_ENGINES: '/usr/lib/engines-3',
  PKCS11_MODULE_PATH: '/usr/lib/softhsm/libsofthsm2.so',
  RUNTIME_DIRECTORY: '/run/newleaf',
  STATE_DIRECTORY: '/var/lib/newleaf',
  INVOCATION_ID: 'x',
  JOURNAL_STREAM: '8:1',
  NEWLEAF_CONFIG: '/etc/newleaf/newleaf.toml',
  AZURE_CLIENT_SECRET: 'secret',
  LD_PRELOAD: '',
};
const THEIRS = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: '/var/lib/newleaf',
  USER: 'newleaf',
  LOGNAME: 'newleaf',
  LANG: 'C.UTF-8',
  LC_ALL: 'C',
  TZ: 'Europe/Berlin',
  TMPDIR: '/tmp',
  https_proxy: 'http://proxy:3128',
  NO_PROXY: 'localhost',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
};

/** What a command sees that is run by a daemon with these variables, and descriptors 20 and 41 left open by a module. */
function seen(t: TestContext): { readonly env: Readonly<Record<string, string>>; readonly fds: readonly string[] } {
  const directory = scratch(t);
  const secret = join(directory, 'secret');
  writeFileSync(secret, 'of a PKCS#11 module');
  const file = join(directory, 'sign');
  // `ls` has one of its own, for the directory that it lists.
  const body = `env -0 >${directory}/env\nls -l /proc/self/fd >${directory}/fds\nexit 2`;
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o700 });
  const left = openSync(secret, 'r');
  const stdio = Array.from({ length: 42 }, (_, fd) => ([20, 41].includes(fd) ? left : ('ignore' as const)));
  const program = join(import.meta.dirname, 'command-alone.ts');
  // node itself closes what it was given up to the first gap above 15 (libuv, uv_disable_stdio_inheritance).
  const { status } = spawnSync(process.execPath, [...TYPESCRIPT, program, file], {
    env: { ...OURS, ...THEIRS },
    stdio,
  });
  closeSync(left);
  assert.equal(status, 0);
  const lines = readFileSync(join(directory, 'env'), 'utf8').split('\0');
  const pairs = lines.filter((line) => line.includes('=')).map((line) => /^([^=]*)=(.*)$/s.exec(line) ?? []);
  const fds = readFileSync(join(directory, 'fds'), 'utf8').matchAll(/ (\d+) -> (.*)$/gm);
  assert.ok(readdirSync(directory).includes('fds'));
  return {
    env: Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value])),
    fds: [...fds].filter(([, fd]) => Number(fd) > 2).map(([, , target = '']) => target),
  };
}

test('a command gets what a program needs, its request, and nothing of the daemon', (t) => {
  const { env, fds } = seen(t);
  const { CERTMONGER_CSR, PWD: _, SHLVL: __, OLDPWD: ___, _: ____, ...rest } = env;
  assert.match(CERTMONGER_CSR ?? '', /^-----BEGIN CERTIFICATE REQUEST-----/);
  assert.deepEqual(rest, { ...THEIRS, CERTMONGER_OPERATION: 'SUBMIT', NEWLEAF_REGISTRATION_ID: 'gw-0001' });
  const open = fds.filter((target) => target !== '/dev/null' && !/^\/proc\/\d+\/fd$/.test(target));
  assert.deepEqual(open, []);
});
