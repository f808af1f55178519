import assert from 'node:assert/strict';
import '../simulator/reflect.ts';
import { join } from 'node:path';
import { test } from 'node:test';
import { Extension } from '@peculiar/x509';
import { Authority } from '../simulator/ca.ts';
import { holds } from './stage/holds.ts';
import { serving } from './stage/site.ts';

/** DPS would say no word of it, or accept it for a while. */
test('a leaf that OpenSSL does not accept is refused before DPS hears of it, with the reason', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  const csr = await gateway.command('csr');
  const ca = await Authority.create('other CA');
  const critical = new Extension('1.2.3.4', true, Buffer.from('0500', 'hex'));
  const { chainPem } = await ca.issue(csr.out, {}, [critical]);
  gateway.file('critical.pem', chainPem, 0o644);
  const installed = await gateway.command('install', join(gateway.directory, 'critical.pem'));
  assert.equal(installed.code, 1, installed.out);
  assert.match(
    installed.err,
    /NL-LEAF-CHAIN "CN=.*" has the critical extension 1\.2\.3\.4, which OpenSSL\s+does not know\./,
  );
  assert.match(installed.err, /Operator of the CA: leave that extension out/);
  holds(await gateway.settled(), { person: false, leaf: { thumbprint } });
  assert.equal(far.log.count({ event: 'refused' }), 0);

  gateway.file('good.pem', await far.issue(csr.out), 0o644);
  assert.equal((await gateway.command('install', join(gateway.directory, 'good.pem'))).code, 0);
  await gateway.settled();
  assert.deepEqual(gateway.log.matching({ event: 'chain-unjudged' }), []);
});
