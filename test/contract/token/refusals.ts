import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { destroyKey } from '../../../hsm/destroy.ts';
import { readPin } from '../../../hsm/pin.ts';
import { openToken } from '../../../hsm/token.ts';
import { inEnvironment } from '../../put-back.ts';
import { setDestroyer } from './bench.ts';
import { freshId } from './fresh-id.ts';
import type { TestToken } from './softhsm.ts';

/** Logs what a module is asked. */
export const SPY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/pkcs11/pkcs11-spy.so`;

/** Tokens that cannot be opened. Each login is made by a process of its own, as after a restart. */
export function refusalContract(at: TestToken): void {
  const options = { module: at.module, token: at.token, uri: undefined, pin: at.pin };

  test('a module that is not there, or is no module, is named', async () => {
    for (const module of ['/absent/module.so', '/etc/passwd', 'libm.so.6']) {
      const refusal = { name: 'TokenError', kind: 'module', code: 'MODULE_NOT_LOADED', message: new RegExp(module) };
      await assert.rejects(openToken({ ...options, module }), refusal);
    }
  });

  test('a token that is not there is named, and so are those that are', async () => {
    const refusal = { name: 'TokenError', kind: 'missing', code: 'TOKEN_NOT_FOUND' };
    const message = new RegExp(`"other".*Tokens there: .*"${at.token}"`);
    await assert.rejects(openToken({ ...options, token: 'other' }), { ...refusal, message });
    await assert.rejects(openToken({ ...options, token: undefined, uri: 'pkcs11:serial=other' }), refusal);
    await assert.rejects(openToken({ ...options, uri: 'pkcs11:model=other' }), refusal);
  });

  test('a wrong PIN costs one login, also after a restart, until the PIN changes', async () => {
    const directory = mkdtempSync(join(at.directory, 'state-'));
    const log = join(directory, 'spy.log');
    const environment = { PKCS11SPY: at.module, PKCS11SPY_OUTPUT: log };
    const logins = () => readFileSync(log, 'utf8').match(/: C_Login$/gm)?.length ?? 0;
    const request = { module: SPY, token: at.token, label: 'newleaf-x', id: '00', pinRecord: directory };
    await setDestroyer(at.directory);
    const ask = (pin: string) => inEnvironment(environment, () => destroyKey({ ...request, pin }));

    await assert.rejects(ask('99999999'), { name: 'TokenError', kind: 'pin', code: 'CKR_PIN_INCORRECT' });
    assert.equal(logins(), 1);
    await assert.rejects(ask('99999999'), { name: 'TokenError', kind: 'pin', code: 'PIN_REFUSED_BEFORE' });
    assert.equal(logins(), 1);
    await ask(at.pin);
    assert.equal(logins(), 2);
  });

  test('a PIN file that ends in a newline opens the token', async () => {
    const file = join(at.directory, 'pin');
    writeFileSync(file, `${at.pin}\n`, { mode: 0o600 });
    const token = await openToken({ ...options, pin: await readPin({ file }) });
    assert.equal(token.name.label, at.token);
    assert.equal(await token.find('newleaf-a'), undefined);
  });

  test('a second open of the same process is success, and both can be used', async () => {
    const [one, other] = [await openToken(options), await openToken(options)];
    const key = await one.generate('newleaf-a', 'ec-p256', freshId());
    await other.sign(key, Buffer.of(1));
    await other.destroy(key.label, key.id);
    assert.equal(await one.find('newleaf-a'), undefined);
  });
}
