import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS, serving } from './stage/site.ts';

const settings = { 'hsm.tls': '"helper"' };

/** The process, or '' where it is gone. */
function stateOf(pid: string): string {
  try {
    return (
      /^\d+ \((.*)\) (\S)/
        .exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))
        ?.slice(1)
        .join(' ') ?? ''
    );
  } catch {
    return '';
  }
}

suite('TLS by stunnel', { concurrency: true }, () => {
  test('check goes that way as well, to each server', async (t) => {
    const { gateway } = await serving(t, { settings });
    const { out, code } = await gateway.command('check');
    assert.equal(code, 0, out);
    for (const words of [
      /^ok +tls-engine +stunnel and pkcs11-provider/m,
      /^ok +tls-handshake .*, by stunnel\.$/m,
      /^ok +dps-tls .*takes the leaf in a handshake \(TLSv1\.3\)/m,
      /^ok +hub-tls .*takes the leaf in a handshake \(TLSv1\.3\)/m,
      /^ok +issuer-auth /m,
    ]) {
      assert.match(out, words);
    }
  });

  test('a daemon that is killed leaves no stunnel behind', async (t) => {
    const { gateway } = await serving(t, { settings });
    const { pid } = gateway;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const helpers = children.filter((child) => stateOf(child).startsWith('stunnel'));
    assert.equal(helpers.length, 1, 'the session with the hub');
    assert.equal(await gateway.stop('SIGKILL'), 'SIGKILL');
    const deadline = Date.now() + PATIENCE_MS;
    // A zombie has ended: who collects it is another matter.
    while (helpers.some((child) => /^stunnel4? [^Z]/.test(stateOf(child)))) {
      assert.ok(Date.now() < deadline, 'it has ended with its stdin');
      await pause(50);
    }
  });
});
