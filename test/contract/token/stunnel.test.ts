import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { Server } from 'node:tls';
import { Tap } from '../../../agent/mqtt/tap.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { TlsStream } from '../../../hsm/connector.ts';
import { csr } from '../../../hsm/csr.ts';
import { destroyKey } from '../../../hsm/destroy.ts';
import { findHelper } from '../../../hsm/stunnel.ts';
import { settingsOf } from '../../../hsm/stunnel-settings.ts';
import { TokenConnectors } from '../../../hsm/tls.ts';
import { openToken } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { type Authority, authority } from './authority.ts';
import { type Bench, openBench } from './bench.ts';
import { farSide } from './far-side.ts';
import { freshId } from './fresh-id.ts';
import { SPY } from './refusals.ts';
import { softHsm } from './softhsm.ts';

const at = softHsm('newleaf');
withEnvironment(at.environment);
after(() => at.remove());

let bench: Bench;
let ca: Authority;
let far: Server;
before(async () => {
  bench = await openBench(at);
  ca = authority(at.directory);
  far = await farSide(ca);
});
after(() => far.close());

const connectors = (pin = at.pin, module = at.module, helper = findHelper()) =>
  new TokenConnectors(bench.token, pin, at.directory, { module, helper });

async function leafOf() {
  const { token } = bench;
  const key = (await token.find('a')) ?? (await token.generate('a', 'ec-p256', freshId()));
  return { id: key.id, chain: ca.issue(await csr('gw', key, (message) => token.sign(key, message))), ca: ca.ca };
}

const opened = async (by: TokenConnectors, leaf: Awaited<ReturnType<typeof leafOf>>, host = 'localhost', to = far) => {
  const connector = await by.connector(leaf);
  return connector.connect({ host, port: (to.address() as AddressInfo).port });
};
const ended = (stream: TlsStream): Promise<Error> => once(stream.resume(), 'error').then(([error]) => error);

test('it leaves nothing behind', async () => {
  const [by, leaf] = [connectors(), await leafOf()];
  const files = readdirSync(at.directory);
  for (let time = 0; time < 4; time += 1) assert.match(await text(await opened(by, leaf)), /^TLSv1.3 /);
  assert.deepEqual(readdirSync(at.directory), files);
});

test('a server is refused for its name, its address and its CA, by the codes of Node', async () => {
  const [by, leaf] = [connectors(), await leafOf()];
  const other = authority(at.directory);
  for (const [open, code] of [
    [() => opened(by, leaf, '127.0.0.1'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [() => opened(by, { ...leaf, ca: other.ca }), /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/],
  ] as const) {
    const stream = await open();
    const error = await ended(stream);
    assert.ok(
      'code' in error && (typeof code === 'string' ? error.code === code : code.test(String(error.code))),
      `${error}`,
    );
    assert.ok(stream.authorizationError);
  }
});

test('a port that is closed is a fault of TCP', async () => {
  const connector = await connectors().connector(await leafOf());
  const gone = createTcp().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  assert.equal('code' in (await ended(connector.connect({ host: '127.0.0.1', port }))), true);
});

test('a server that refuses the leaf is no fault of the token', async (t) => {
  const { ca: other } = authority(at.directory);
  // In TLS 1.3 a refusal comes after the handshake, and is no error of this end.
  const server = await farSide({ ca: other, server: { ...ca.server, maxVersion: 'TLSv1.2' } });
  t.after(() => server.close());
  const error = await ended(await opened(connectors(), await leafOf(), 'localhost', server));
  assert.notEqual(error.name, 'TokenError');
});

test('a PIN that is wrong is tried once, whatever follows', async (t) => {
  const log = `${at.directory}/spy`;
  withEnvironment({ PKCS11SPY: at.module, PKCS11SPY_OUTPUT: log }, t);
  const [by, leaf] = [connectors('wrong', SPY), await leafOf()];
  const error = await ended(await opened(by, leaf));
  assert.ok(error instanceof TokenError, String(error));
  assert.deepEqual([error.kind, error.code], ['pin', 'CKR_PIN_INCORRECT']);
  await assert.rejects(by.connector(leaf), { code: 'CKR_PIN_INCORRECT' });
  assert.equal(readFileSync(log, 'utf8').match(/C_Login$/gm)?.length, 1);
});

test('a PIN that stunnel was refused is tried by no process that follows', async (t) => {
  const [state, leaf] = [mkdtempSync(`${at.directory}/state-`), await leafOf()];
  const named = { module: at.module, token: at.token, pin: at.pin };
  const token = await openToken({ ...named, uri: undefined, notes: state });
  const changed = (from: string, to: string) => {
    const args = [
      '--module',
      at.module,
      '--token-label',
      at.token,
      '--login',
      '--change-pin',
      '--pin',
      from,
      '--new-pin',
      to,
    ];
    execFileSync('pkcs11-tool', args, { stdio: 'pipe' });
  };
  changed(at.pin, '99999999');
  t.after(() => changed('99999999', at.pin));
  const by = new TokenConnectors(token, at.pin, at.directory, { module: at.module, helper: findHelper() });
  const error = await ended(await opened(by, leaf));
  assert.equal((error as TokenError).code, 'CKR_PIN_INCORRECT', String(error));
  const request = { ...named, label: 'newleaf-x', id: '00', pinRecord: state };
  await assert.rejects(destroyKey(request), { kind: 'pin', code: 'PIN_REFUSED_BEFORE' });
});

for (const [what, module, helper, code, words] of [
  ['a provider that is no library', at.module, { provider: '/etc/hostname' }, 'HELPER_FAILED', /pkcs11-provider/],
  ['a program that is no stunnel', at.module, { stunnel: '/bin/false' }, 'HELPER_FAILED', /exit code 1/],
  ['a program that is none', at.module, { stunnel: '/etc/hostname' }, 'HELPER_NOT_STARTED', /EACCES/],
  ['a module that is none', '/etc/hostname', {}, 'HELPER_KEY', /key in the token/],
] as const) {
  test(`${what} is told as that, and blocks no PIN`, async () => {
    const [by, leaf] = [connectors(at.pin, module, { ...findHelper(), ...helper }), await leafOf()];
    const error = await ended(await opened(by, leaf));
    assert.ok(error instanceof TokenError && error.code === code && words.test(error.message), String(error));
    await by.connector(leaf);
  });
}

test('a login that is refused as another program writes the token is made once more, and not a third time', async () => {
  const [stunnel, logins] = [`${at.directory}/refused`, `${at.directory}/logins`];
  const refusal = 'echo "Error 5 returned by C_Login" >/proc/self/fd/9; echo "[!] Loading private key" >&2; exit 1';
  const refused = (condition: string) => {
    writeFileSync(logins, '');
    const script = `echo >>${logins}; if ${condition}; then ${refusal}; fi; exec ${findHelper().stunnel} "$@"`;
    writeFileSync(stunnel, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return connectors(at.pin, at.module, { ...findHelper(), stunnel });
  };
  const once = refused(`[ $(wc -l <${logins}) = 1 ]`);
  assert.match(await text(await opened(once, await leafOf())), /^TLSv1.3 /);
  const error = await ended(await opened(refused('true'), await leafOf()));
  assert.ok(error instanceof TokenError && error.code === 'CKR_GENERAL_ERROR', String(error));
  assert.equal(readFileSync(logins, 'utf8').length, 2);
});

test('a stunnel that hangs is ended by the deadline of the connection', async () => {
  const [stunnel, pid] = [`${at.directory}/hangs`, `${at.directory}/pid`];
  writeFileSync(stunnel, `#!/bin/sh\necho $$ >${pid}.new\nmv ${pid}.new ${pid}\nexec sleep 600\n`, { mode: 0o755 });
  const connector = await connectors(at.pin, at.module, { ...findHelper(), stunnel }).connector(await leafOf());
  const { port } = far.address() as AddressInfo;
  const tap = new Tap({ host: `localhost:${port}`, connector, connectMs: 1_000, admit: () => true });
  tap.connect('', {});
  await tap.closed;
  assert.equal(tap.attempt.socketError, 'ETIMEDOUT');
  const hung = Number(readFileSync(pid, 'utf8'));
  for (let isThere = true; isThere; ) {
    await new Promise(setImmediate);
    try {
      process.kill(hung, 0);
    } catch {
      isThere = false;
    }
  }
});

test('a host with a line break is refused: it would be a setting of stunnel', () => {
  const words = {
    module: at.module,
    uri: 'pkcs11:',
    chain: '',
    ca: '',
    maxVersion: undefined,
    isPkcs1: false,
    path: '/run/s',
  };
  assert.throws(() => settingsOf('/p.so', { ...words, host: 'a\nverifyChain = no' }), { code: 'HELPER_WORD' });
});
