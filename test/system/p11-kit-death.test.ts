import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LIBRARIES } from '../contract/modules/alone.ts';
import { inside } from '../namespace.ts';
import { losesEngine, NO_STUNNEL } from './engine.ts';
import { APART } from './machine.ts';
import { provisioned, type Site } from './site.ts';
import { assertBack, killInHandshake } from './token-death.ts';

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

/** SoftHSM behind p11-kit, which newleaf has not opened yet. */
async function remoted(t: TestContext): Promise<Site> {
  const site = await provisioned(t);
  const { machine, technician } = site;
  machine.write('/etc/systemd/system/tokens.service', SERVER);
  machine.dropIn(CLIENT);
  technician.set('module', `"${LIBRARIES}/pkcs11/p11-kit-client.so"`);
  await machine.must('systemctl', 'daemon-reload');
  return site;
}

if (inside(import.meta.filename, APART)) {
  test('the p11-kit server dies in the middle of a handshake: hands off, it heals', async (t) => {
    const site = await remoted(t);
    const { far, machine } = site;
    const before = await killInHandshake(site, 'tokens');
    await assertBack(t, site, before, far.log.entries.length);
    // p11-kit-client 0.25.5 hangs: nobody but the watchdog can tell. 0.24.1 says that its server is gone.
    await machine.journal.waitFor(
      ({ message, reason }) => reason === 'restart' || String(message).includes('Watchdog timeout'),
    );
    await machine.must('newleaf', 'roll', '--wait');
  });

  test('the same with stunnel: newleaf needs no watchdog', async (t) => {
    const site = await remoted(t);
    const { far, machine } = site;
    if (!losesEngine(machine)) return t.skip(NO_STUNNEL);
    const before = await killInHandshake(site, 'tokens');
    const { reason } = await machine.journal.waitFor({ event: 'ended' });
    assert.equal(reason, 'restart');
    await assertBack(t, site, before, far.log.entries.length);
    await machine.must('newleaf', 'roll', '--wait');
  });
}
