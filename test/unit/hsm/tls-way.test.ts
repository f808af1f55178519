import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, mock, test } from 'node:test';
import tls from 'node:tls';
import { opensslDirectories } from '../../../hsm/known-modules.ts';
import { prepareTls, type TlsWay } from '../../../hsm/tls-way.ts';
import { withEnvironment } from '../../put-back.ts';

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
const ENGINE = "OpenSSL's PKCS#11 engine is not installed: there is no pkcs11.so in ";
const IN_ITS_PLACE = '. In its place, stunnel cannot do TLS with the key in the token: there is no ';

/** The usual places are those of the machine that tests. */
const NOTHING = { engines: ['/no'], programs: ['/no/stunnel'], providers: ['/no/pkcs11.so'] };

interface Machine {
  readonly engines?: readonly string[];
  readonly programs?: readonly string[];
  readonly providers?: readonly string[];
  /** Node was built without engines, as that of Fedora. */
  readonly hasNone?: true;
  readonly isCrashing?: true;
}

const cases: readonly (readonly [string, 'auto' | TlsWay, Machine, TlsWay | readonly string[]])[] = [
  ['both', 'auto', { engines: [directory], programs: STUNNEL, providers: PROVIDER }, 'engine'],
  ['both', 'helper', { engines: [directory], programs: STUNNEL, providers: PROVIDER }, 'helper'],
  ['stunnel only', 'auto', { programs: STUNNEL, providers: PROVIDER }, 'helper'],
  ['stunnel only', 'engine', { programs: STUNNEL, providers: PROVIDER }, [ENGINE]],
  ['neither', 'auto', {}, [ENGINE, IN_ITS_PLACE, 'no stunnel (/no/stunnel), and no pkcs11-provider (/no/pkcs11.so).']],
  ['neither', 'helper', {}, ['there is no stunnel (/no/stunnel), and no pkcs11-provider (/no/pkcs11.so).']],
  ['no provider', 'auto', { programs: STUNNEL }, [ENGINE, `${IN_ITS_PLACE}pkcs11-provider (/no/pkcs11.so).`]],
  ['no stunnel', 'helper', { providers: PROVIDER }, ['there is no stunnel (/no/stunnel).']],
  [
    'an engine for a Node without',
    'auto',
    { engines: [directory], programs: STUNNEL, providers: PROVIDER, hasNone: true },
    'helper',
  ],
  [
    'both, after crashes',
    'auto',
    { engines: [directory], programs: STUNNEL, providers: PROVIDER, isCrashing: true },
    'helper',
  ],
  [
    'both, after crashes',
    'engine',
    { engines: [directory], programs: STUNNEL, providers: PROVIDER, isCrashing: true },
    'engine',
  ],
  ['no stunnel, after crashes', 'auto', { engines: [directory], isCrashing: true }, 'engine'],
  ['an engine for a Node without', 'engine', { engines: [directory], hasNone: true }, ['has no engines of OpenSSL']],
];

for (const [there, setting, { hasNone, isCrashing = false, ...at }, expected] of cases) {
  const told = typeof expected === 'string' ? expected : `names ${expected.join(' and ')}`;
  test(`${there}, ${setting}: ${told}`, async (t) => {
    withEnvironment({ OPENSSL_ENGINES: undefined, PKCS11_MODULE_PATH: undefined }, t);
    if (hasNone) {
      const error = Object.assign(new Error(), { code: 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED' });
      mock.method(tls, 'createSecureContext', () => {
        throw error;
      });
      syncBuiltinESMExports();
    }
    const way = prepareTls({ module: '/m.so', tls: setting, isCrashing }, { ...NOTHING, ...at });
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

test('parts of OpenSSL are looked for where this architecture has them', () => {
  assert.deepEqual(opensslDirectories('arm64', 'engines-3'), [
    '/usr/lib/aarch64-linux-gnu/engines-3',
    '/usr/lib/engines-3',
    '/usr/lib64/engines-3',
  ]);
  assert.deepEqual(opensslDirectories('s390x', 'engines-3'), ['/usr/lib/engines-3', '/usr/lib64/engines-3']);
});
