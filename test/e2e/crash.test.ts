import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rv } from '../contract/faulty/faulty.ts';
import { servingFaulty } from './stage/faulty-site.ts';
import { PATIENCE_MS } from './stage/site.ts';

test('a module that crashes newleaf is named, and after the second time in a row another process does TLS with it', async (t) => {
  const { far, gateway, hsm } = await servingFaulty(t, { settings: { 'hsm.tls': '"auto"' } });
  await gateway.stop();
  // libp11 0.4.13 dies of it in ENGINE_load_private_key, as long as it lasts.
  hsm.answer('C_GetSessionInfo', rv('CKR_DEVICE_ERROR'), -1);
  for (const _ of ['first', 'second']) {
    await gateway.start();
    assert.equal(await gateway.ended(), 'SIGSEGV');
    // As the first process of a container does; systemd does it in its unit.
    writeFileSync(join(gateway.stateDirectory, 'crashed'), 'SEGV\n');
  }
  const status = await gateway.command('status');
  assert.match(status.out.replaceAll(/\s+/g, ' '), /It ended .*NL-TOKEN-CRASHED .*SIGSEGV/);
  const since = gateway.log.lines.length;
  await gateway.start();
  const told = gateway.log.lines.slice(since).filter(({ event }) => event === 'crashed' || event === 'tls-by-stunnel');
  assert.deepEqual(
    told.map(({ event, code }) => [event, code]),
    [
      ['crashed', 'NL-TOKEN-CRASHED'],
      ['tls-by-stunnel', undefined],
    ],
  );
  await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-FAILED');
  const entries = far.log.entries.length;
  hsm.heal();
  await gateway.post('/v1/reprovision', {});
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, entries);
  await gateway.settled();
  assert.equal(await gateway.stop(), 0);
});
