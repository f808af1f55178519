import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { prove } from '../../../agent/cli/init/prove.ts';
import { insideNetworkNamespace } from '../../namespace.ts';
import { mint, mintCa, privateKeyPem } from '../../unit/certificate/mint.ts';
import { scene } from '../../unit/cli/init/stage.ts';
import { Libest, lifetime } from './libest.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('libest is asked whether it knows us, and issues nothing', () => {
    let libest: Libest;
    let url: string;
    /** Takes nobody without a certificate of its CA. */
    let certificatesOnly: string;
    before(async () => {
      libest = await Libest.create();
      libest.policy = {};
      url = await libest.start();
      certificatesOnly = await libest.start('-n');
    });
    after(() => libest.stop());

    /** The code that `init` meets; undefined where the server knows the gateway. */
    const met = async (settings: Readonly<Record<string, string>>, ids = ['issuer-reach', 'issuer-auth']) => {
      const est = { url, ca_file: libest.caFile, ...settings };
      const named = Object.entries(est).map(([key, value]) => [`issuer.est.${key}`, value] as const);
      const { guide } = scene({ configured: { 'leaf.issuer': 'est', ...Object.fromEntries(named) } });
      return (await prove(guide, ids, 'Asking')).failure?.code;
    };
    const password = (text: string) => {
      writeFileSync(libest.passwordFile, `${text}\n`);
      return { username: 'estuser', password_file: libest.passwordFile };
    };
    const bootstrap = async (by: Awaited<ReturnType<typeof mintCa>>) => {
      const { pem, keys } = await mint({ subject: 'CN=factory', by, ...lifetime() });
      const [certificate, key] = [`${libest.passwordFile}.cert`, `${libest.passwordFile}.key`];
      writeFileSync(certificate, pem);
      writeFileSync(key, privateKeyPem(keys));
      return { url: certificatesOnly, bootstrap_cert: certificate, bootstrap_key: key };
    };

    test('with the right password, the wrong one, and none', async () => {
      assert.equal(await met(password('estpwd')), undefined);
      assert.equal(await met(password('wrong')), 'NL-EST-AUTH');
      assert.equal(await met({}, ['issuer-reach']), undefined);
    });

    test('with a bootstrap certificate of its CA, and of another', async () => {
      assert.equal(await met(await bootstrap(libest.ca)), undefined);
      const other = await bootstrap(await mintCa({ subject: 'CN=other', ...lifetime() }));
      assert.match((await met(other)) ?? '', /^NL-EST-/);
    });

    test('a server that is not trusted, not there, or no EST server', async () => {
      const { pem } = await mintCa({ subject: 'CN=other', ...lifetime() });
      const caFile = `${libest.passwordFile}.ca`;
      writeFileSync(caFile, pem);
      assert.equal(await met({ ca_file: caFile }), 'NL-EST-UNTRUSTED');
      assert.equal(await met({ url: 'https://127.0.0.1:9/.well-known/est' }), 'NL-EST-UNREACHABLE');
      assert.match((await met({ url: new URL('/elsewhere', url).href })) ?? '', /^NL-EST-/);
      assert.equal(await met({ ca_file: '/nowhere.pem' }), 'NL-CONFIG');
    });

    test('nothing was issued', async () => {
      assert.equal(libest.issued, 0);
    });
  });
}
