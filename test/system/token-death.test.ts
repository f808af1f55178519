import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/site.ts';
import { inside } from '../namespace.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';

/** From the moment the server is back to a session with the hub. */
const BACK_WITHIN_MS = 60_000;
const SOCKET = '/run/tokens/newleaf.sock';

/** SoftHSM behind p11-kit's server, in a unit of its own that comes back by itself. */
const SERVER = `[Service]
User=newleaf
RuntimeDirectory=tokens
ExecStart=/usr/bin/p11-kit server --foreground --provider /usr/lib/softhsm/libsofthsm2.so --name ${SOCKET} pkcs11:token=newleaf
Restart=always
RestartSec=1s
`;

const CLIENT = `[Unit]
After=tokens.service
Wants=tokens.service
[Service]
Environment=P11_KIT_SERVER_ADDRESS=unix:path=${SOCKET}
`;

if (inside(import.meta.filename, APART)) {
  test('the server of the module dies in the middle of a handshake: hands off, it heals', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
    machine.write('/etc/systemd/system/tokens.service', SERVER);
    machine.write('/etc/systemd/system/newleaf.service.d/p11-kit.conf', CLIENT);
    technician.set('module', `"/usr/lib/${triplet}/pkcs11/p11-kit-client.so"`);
    await machine.must('systemctl', 'daemon-reload');
    const start = far.log.entries.length;
    await machine.must('systemctl', 'start', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, start);
    const before = await machine.show();

    await far.lay('hub1', 'slow-tls', { ms: 500, times: 1 });
    const since = far.log.entries.length;
    await far.lay('hub1', 'port-closed');
    await far.lift('hub1', 'port-closed');
    await far.log.waitFor({ event: 'fault', reason: 'slow-tls' }, PATIENCE_MS, since);
    // With all that it has forked: one process for each client.
    await machine.must('systemctl', 'kill', '--signal=KILL', 'tokens');
    const from = Date.now();
    await far.log.waitFor({ event: 'connected' }, BACK_WITHIN_MS, since);
    t.diagnostic(`back after ${((Date.now() - from) / 1000).toFixed(1)} s`);
    const after = await machine.show();
    assert.notEqual(after.MainPID, before.MainPID, 'only a new process heals it');
    // It hung: nobody but the watchdog could tell.
    await machine.journal.waitFor(({ message }) => String(message).includes('Watchdog timeout'));
    const status = await machine.run('newleaf', 'status');
    assert.equal(status.code, 0, status.out);
  });
}
