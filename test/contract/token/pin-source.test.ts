import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { csr } from '../../../hsm/csr.ts';
import { prepareEngine } from '../../../hsm/engine.ts';
import { TokenConnectors } from '../../../hsm/tls.ts';
import { openToken } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { authority } from './authority.ts';
import { freshId } from './fresh-id.ts';
import { softHsm } from './softhsm.ts';

const at = softHsm();
withEnvironment(at.environment);
after(() => at.remove());

/** The descriptor of the copy of the PIN. */
function pinDescriptor(): number {
  const shown = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  };
  const found = readdirSync('/proc/self/fd').find((fd) => /\/\.pin-\w+ \(deleted\)$/.test(shown(fd)));
  return Number(found ?? assert.fail('no copy of the PIN'));
}

/** Puts a copy of the PIN back under the same number. */
function restore(fd: number): void {
  const path = join(at.directory, 'pin-again');
  writeFileSync(path, at.pin, { mode: 0o600 });
  for (const others: number[] = []; ; ) {
    const opened = openSync(path, 'r');
    if (opened !== fd) {
      assert.ok(opened < fd, `${fd} is taken`);
      others.push(opened);
      continue;
    }
    for (const other of others) closeSync(other);
    unlinkSync(path);
    return;
  }
}

test('a copy of the PIN that cannot be read for a moment is no refused PIN: the next context is made', async () => {
  prepareEngine(at.module);
  const token = await openToken({ module: at.module, token: at.token, uri: undefined, pin: at.pin });
  const connectors = new TokenConnectors(token, at.pin, at.directory);
  const key = await token.generate('newleaf-a', 'ec-p256', freshId());
  const ca = authority(at.directory);
  const chain = ca.issue(await csr('gw', key, (message) => token.sign(key, message)));
  const identity = { id: key.id, chain, ca: ca.ca };
  // With none before it, a context that fails takes the module with it.
  await connectors.connector({ ...identity, maxVersion: 'TLSv1.2' });
  const fd = pinDescriptor();
  closeSync(fd);
  await assert.rejects(connectors.connector(identity), { name: 'TokenError', kind: 'failed' });
  restore(fd);
  assert.ok(await connectors.connector(identity));
});
