import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, mock, test } from 'node:test';
import tls from 'node:tls';
import { prepareTls, type TlsWay } from '../../../hsm/tls-way.ts';

const directory = mkdtempSync(join(tmpdir(), 'newleaf-way-'));
after(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  mock.restoreAll();
  syncBuiltinESMExports();
});
const file = (name: string) => {
  const path = join(directory, name);
  writeFileSync(path, '');
  return path;
};
const STUNNEL = [file('stunnel')];
const PROVIDER = [file('provider.so')];
file('pkcs11.so');
const ENGINE = 'libengine-pkcs11-openssl';

interface Machine {
  readonly engines?: readonly string[];
  readonly programs?: readonly string[];
  readonly providers?: readonly string[];
  /** Node was built without engines, as that of Fedora. */
  readonly hasNone?: true;
}

const cases: readonly (readonly [string, 'auto' | TlsWay, Machine, TlsWay | readonly string[]])[] = [
  ['both', 'auto', { engines: [directory], programs: STUNNEL, providers: PROVIDER }, 'engine'],
  ['both', 'helper', { engines: [directory], programs: STUNNEL, providers: PROVIDER }, 'helper'],
  ['stunnel only', 'auto', { programs: STUNNEL, providers: PROVIDER }, 'helper'],
  ['stunnel only', 'engine', { programs: STUNNEL, providers: PROVIDER }, [ENGINE]],
  ['neither', 'auto', {}, [ENGINE, 'stunnel4 pkcs11-provider']],
  ['neither', 'helper', {}, ['stunnel4 pkcs11-provider']],
  ['no provider', 'auto', { programs: STUNNEL }, [ENGINE, ': pkcs11-provider']],
  ['no stunnel', 'helper', { providers: PROVIDER }, [': stunnel4']],
  [
    'an engine for a Node without',
    'auto',
    { engines: [directory], programs: STUNNEL, providers: PROVIDER, hasNone: true },
    'helper',
  ],
  ['an engine for a Node without', 'engine', { engines: [directory], hasNone: true }, ['has no engines of OpenSSL']],
];

for (const [there, setting, { engines = [], programs = [], providers = [], hasNone }, expected] of cases) {
  const told = typeof expected === 'string' ? expected : `names ${expected.join(' and ')}`;
  test(`${there}, ${setting}: ${told}`, async () => {
    delete process.env.OPENSSL_ENGINES;
    if (hasNone) {
      const error = Object.assign(new Error(), { code: 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED' });
      mock.method(tls, 'createSecureContext', () => {
        throw error;
      });
      syncBuiltinESMExports();
    }
    const way = prepareTls({ module: '/m.so', tls: setting }, { engines, programs, providers });
    if (typeof expected === 'string') assert.equal((await way) === undefined ? 'engine' : 'helper', expected);
    else {
      await assert.rejects(way, (error: Error) => {
        assert.equal('kind' in error && error.kind, 'engine');
        for (const words of expected) assert.ok(error.message.includes(words), error.message);
        return true;
      });
    }
  });
}
