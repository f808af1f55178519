import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Gateway } from '../../e2e/stage/gateway.ts';
import type { Site } from '../../e2e/stage/site.ts';
import { type Minted, mint, privateKeyPem } from '../../unit/certificate/mint.ts';
import { Libest, lifetime } from './libest.ts';
import { byPassword, serves, siteAt } from './libest-site.ts';

const FACTORY = ['--label', 'factory', '--id', '0f'];

export function firstEnrolment(): void {
  suite('the first leaf from libest, and the next', { concurrency: true }, () => {
    let libest: Libest;
    /** Takes nobody without a certificate of its CA. */
    let certificatesOnly: string;

    before(async () => {
      libest = await Libest.create(8185);
      libest.policy = {};
      certificatesOnly = await libest.start('-n');
    });
    after(() => libest.stop());

    test('with HTTP Basic', async (t) => {
      const { far, gateway } = await siteAt(t, await libest.start(), libest, byPassword);
      await gateway.start();
      await serves({ far, gateway });
      assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
    });

    test('with a bootstrap certificate and its key in files', async (t) => {
      const { cert, key } = await factoryLeaf(libest.ca);
      const site = await siteAt(t, certificatesOnly, libest, (gateway) => ({
        'issuer.est.bootstrap_cert': gateway.file('bootstrap.pem', cert),
        'issuer.est.bootstrap_key': gateway.file('bootstrap.key', key, 0o600),
      }));
      await site.gateway.start();
      await serves(site);
      await nextLeaf(site);
    });

    test('with a bootstrap key in the token, its certificate beside it', async (t) => {
      const site = await siteAt(t, certificatesOnly, libest, () => ({
        'issuer.est.bootstrap_cert': '"pkcs11:token=newleaf;object=factory;type=cert"',
        'issuer.est.bootstrap_key': '"pkcs11:token=newleaf;object=factory;type=private"',
      }));
      await bearFactoryKey(site.gateway, libest.ca);
      await site.gateway.start();
      await serves(site);
      assert.deepEqual(site.gateway.token.privateKeys(), ['factory', 'newleaf-a']);
      await nextLeaf(site);
      assert.deepEqual(site.gateway.token.privateKeys(), ['factory', 'newleaf-b'], 'the bootstrap key stays');
    });
  });
}

/** The server takes no passwords: only the leaf and its key in the token can have asked for the next one. */
async function nextLeaf({ far, gateway }: Site): Promise<void> {
  const { leaf } = await gateway.status();
  const since = far.log.entries.length;
  assert.equal((await gateway.post('/v1/roll')).status, 202);
  assert.notEqual(await serves({ far, gateway }, since), leaf?.thumbprint);
}

async function factoryLeaf(by: Minted): Promise<{ readonly cert: string; readonly key: string }> {
  const minted = await mint({ subject: 'CN=factory', by, ...lifetime() });
  return { cert: minted.pem, key: privateKeyPem(minted.keys) };
}

/** A key that was made in the token before newleaf came, and its certificate beside it. */
async function bearFactoryKey({ token, directory }: Gateway, by: Minted): Promise<void> {
  token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--usage-sign', ...FACTORY);
  const spki = token.ask('--read-object', '--type', 'pubkey', ...FACTORY);
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const publicKey = await webcrypto.subtle.importKey('spki', spki, curve, true, ['verify']);
  const keys = { ...by.keys, publicKey };
  const { der } = await mint({ subject: 'CN=factory', keys, by, ...lifetime() });
  const file = join(directory, 'factory.der');
  writeFileSync(file, der);
  token.ask('--write-object', file, '--type', 'cert', ...FACTORY);
}
