import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { type Trial, tryEst } from '../../../agent/issuer/trial.ts';
import { insideNetworkNamespace } from '../../namespace.ts';
import { mint, mintCa, privateKeyPem } from '../../unit/certificate/mint.ts';
import { Libest, lifetime } from './libest.ts';

const withCode = (code: string) => (error: unknown) => error instanceof Fault && error.failure.code === code;

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

    const trial = (change: Partial<Trial> = {}): Trial => ({ url, caFile: libest.caFile, ...change });
    const password = (text: string) => {
      writeFileSync(libest.passwordFile, `${text}\n`);
      return { username: 'estuser', passwordFile: libest.passwordFile };
    };
    const bootstrap = async (by: Awaited<ReturnType<typeof mintCa>>) => {
      const { pem, keys } = await mint({ subject: 'CN=factory', by, ...lifetime() });
      const [certificate, key] = [`${libest.passwordFile}.cert`, `${libest.passwordFile}.key`];
      writeFileSync(certificate, pem);
      writeFileSync(key, privateKeyPem(keys));
      return { certificate, key };
    };

    test('with the right password, the wrong one, and none', async () => {
      assert.equal(await tryEst(trial(password('estpwd')), Date.now), true);
      await assert.rejects(tryEst(trial(password('wrong')), Date.now), withCode('NL-EST-AUTH'));
      assert.equal(await tryEst(trial(), Date.now), false, 'nobody was asked for');
    });

    test('with a bootstrap certificate of its CA, and of another', async () => {
      assert.equal(
        await tryEst(trial({ url: certificatesOnly, bootstrap: await bootstrap(libest.ca) }), Date.now),
        true,
      );
      const other = await bootstrap(await mintCa({ subject: 'CN=other', ...lifetime() }));
      await assert.rejects(tryEst(trial({ url: certificatesOnly, bootstrap: other }), Date.now), Fault);
    });

    test('a server that is not trusted, not there, or no EST server', async () => {
      const { pem } = await mintCa({ subject: 'CN=other', ...lifetime() });
      const caFile = `${libest.passwordFile}.ca`;
      writeFileSync(caFile, pem);
      await assert.rejects(tryEst(trial({ caFile }), Date.now), withCode('NL-EST-UNTRUSTED'));
      await assert.rejects(
        tryEst(trial({ url: 'https://127.0.0.1:9/.well-known/est' }), Date.now),
        withCode('NL-EST-UNREACHABLE'),
      );
      await assert.rejects(tryEst(trial({ url: new URL('/elsewhere', url).href }), Date.now), Fault);
      await assert.rejects(tryEst(trial({ caFile: '/nowhere.pem' }), Date.now), withCode('NL-CONFIG'));
    });

    test('nothing was issued', async () => {
      assert.equal(libest.issued, 0);
    });
  });
}
