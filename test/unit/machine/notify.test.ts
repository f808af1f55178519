import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { createNotify } from '../../../agent/machine/notify.ts';
import { scratch } from '../state/disk.ts';

/** Stands in for systemd: prints what arrives, a message a line. Perl, as Node cannot, and every Debian has it. */
const RECEIVER = `
  use Socket; $| = 1;
  socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die; print "bound\\n";
  while (defined recv(S, $m, 4096, 0)) { $m =~ s/\\n/|/g; print "$m\\n" unless $m =~ /^BARRIER/ }`;

async function receiver(t: TestContext, socket: string): Promise<AsyncIterator<string>> {
  const perl = spawn('perl', ['-e', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => perl.kill());
  const lines = createInterface(perl.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'bound');
  return lines;
}

const systemd =
  spawnSync('systemd-notify', ['--version']).error === undefined ? false : 'systemd-notify is not installed';
const unexpected = (cause: Error) => assert.fail(cause);

test('systemd hears each message, in order, and a status cannot smuggle in another', { skip: systemd }, async (t) => {
  const socket = join(scratch(t), 'notify');
  const heard = await receiver(t, socket);
  const notify = createNotify({ ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '120000000' }, unexpected);
  void notify.ready();
  void notify.status('serving\nREADY=0');
  void notify.watchdog();
  void notify.expect(30_000);
  await notify.stopping();
  for (const expected of ['READY=1', 'STATUS=serving READY=0', 'WATCHDOG=1', 'WATCHDOG_USEC=30000000', 'STOPPING=1'])
    assert.equal((await heard.next()).value, expected);
});

test('nothing is started where systemd does not listen, or has no watchdog', async () => {
  const bare = createNotify({ PATH: '/nonexistent' }, unexpected);
  await Promise.all([bare.ready(), bare.status('x'), bare.watchdog(), bare.stopping()]);
  await createNotify({ PATH: '/nonexistent', NOTIFY_SOCKET: '/x' }, unexpected).watchdog();
});

test('a message that cannot be sent is told once, and nothing breaks', async () => {
  const causes: Error[] = [];
  const notify = createNotify({ PATH: '/nonexistent', NOTIFY_SOCKET: '/x' }, (cause) => causes.push(cause));
  await notify.ready();
  assert.match(String(causes), /^Error: spawn systemd-notify ENOENT$/);
});

for (const [env, ms] of [
  [{}, undefined],
  [{ WATCHDOG_USEC: '180000000' }, 180_000],
  [{ WATCHDOG_USEC: '180000000', WATCHDOG_PID: String(process.pid) }, 180_000],
  [{ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '1' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
  [{ WATCHDOG_USEC: 'soon' }, undefined],
] as const) {
  test(`the watchdog of ${JSON.stringify(env)} waits ${ms} ms`, () => {
    assert.equal(createNotify(env, unexpected).watchdogMs, ms);
  });
}
