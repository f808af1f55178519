import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TYPESCRIPT } from '../../typescript.ts';
import { scratch } from '../state/disk.ts';

/**
 * Stands in for systemd 253, which connects a socket and hands it on as descriptor 3 (systemd.service(5), OpenFile=), and prints
 * what arrived there. Perl, as Node cannot, and every Debian has it.
 */
const SYSTEMD = `
  use Socket; use POSIX; use Fcntl;
  my ($path, $listens, @command) = @ARGV;
  socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($path)) or die;
  socket(C, AF_UNIX, SOCK_DGRAM, 0); connect(C, pack_sockaddr_un($path)) or die;
  close(S) unless $listens;
  if (!(my $pid = fork)) {
    POSIX::dup2(fileno(C), 9); POSIX::dup2(9, 3); POSIX::close(9);
    $ENV{LISTEN_PID} //= $$;
    exec(@command) or die;
  }
  wait; exit unless $listens;
  fcntl(S, F_SETFL, O_NONBLOCK); print "$m\\n" while defined recv(S, $m, 4096, 0);`;

/** A program that notes how it was called. */
function program(directory: string): () => string {
  const calls = join(directory, 'calls');
  writeFileSync(calls, '');
  writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\necho "$@" >>${calls}\n`, { mode: 0o755 });
  return () => readFileSync(calls, 'utf8');
}

const GIVEN = { NOTIFY_SOCKET: '/run/systemd/notify', LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' };
const SAID = 'READY=1\nWATCHDOG=1\nSTOPPING=1\n';

/** @returns what arrived by the socket, with what the daemon printed, and by the program */
function told(t: TestContext, env: NodeJS.ProcessEnv, listens = true) {
  const directory = scratch(t);
  const byProgram = program(directory);
  const daemon = [process.execPath, ...TYPESCRIPT, join(import.meta.dirname, 'notify-alone.ts')];
  const ended = spawnSync('perl', ['-e', SYSTEMD, join(directory, 'socket'), listens ? '1' : '', ...daemon], {
    encoding: 'utf8',
    env: { PATH: `${directory}:${process.env.PATH}`, WATCHDOG_USEC: '120000000', ...env },
  });
  assert.equal(ended.status, 0, ended.stderr);
  return { bySocket: ended.stdout, byProgram: byProgram() };
}

test('a socket that systemd brings takes the messages, and no other process is listened to from then on', (t) => {
  assert.deepEqual(told(t, GIVEN), { bySocket: `NOTIFYACCESS=main\n${SAID}`, byProgram: '' });
  const second = { ...GIVEN, LISTEN_FDNAMES: 'other:notify' };
  // The second one is descriptor 4, which is no socket here.
  assert.deepEqual(told(t, second), { bySocket: '', byProgram: SAID });
});

for (const [why, env] of [
  ['of another name', { LISTEN_FDNAMES: 'other' }],
  ['without a name', { LISTEN_FDNAMES: undefined }],
  ['for another process', { LISTEN_PID: '1' }],
  ['to another systemd than the one that asks', { NOTIFY_SOCKET: '/run/user/1000/systemd/notify' }],
] as const) {
  test(`a socket ${why} is left alone`, (t) => {
    assert.deepEqual(told(t, { ...GIVEN, ...env }), { bySocket: '', byProgram: SAID });
  });
}

test('where the socket takes no message, the program speaks', (t) => {
  assert.deepEqual(told(t, GIVEN, false), { bySocket: '', byProgram: SAID });
});
