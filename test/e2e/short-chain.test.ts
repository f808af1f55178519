import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, site } from './stage/site.ts';

/** DPS enrolls the root: a leaf that is sent alone is refused, in words that name neither it nor what is missing. */
test('a leaf that is delivered without its intermediate is sent with that of the current leaf', async (t) => {
  const { far, gateway } = await site(t);
  await far.replaceCertificates('gateways', { primary: far.endpoints.estCaPem });
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();

  const csr = await gateway.command('csr');
  assert.equal(csr.code, 0, csr.out + csr.err);
  const [leaf = ''] = (await far.issue(csr.out)).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/) ?? [];
  gateway.file('alone.pem', leaf, 0o644);
  const since = far.log.entries.length;
  const installed = await gateway.command('install', join(gateway.directory, 'alone.pem'));
  assert.equal(installed.code, 0, installed.out + installed.err);
  const { thumbprint } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  holds(await gateway.settled(), { person: false, leaf: { thumbprint } });
  const sent = far.log.since(since).find(({ server, event }) => server === 'dps' && event === 'tls');
  assert.deepEqual([sent?.thumbprint, sent?.chain], [thumbprint, 2], 'the leaf and its issuer');
  const note = gateway.log.matching({ event: 'leaf-noted' }).at(-1);
  assert.match(String(note?.message), /was not delivered: it is taken from the chain of the current leaf\.$/);
});
