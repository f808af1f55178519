import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { destroyerOf } from '../../../hsm/destroy.ts';
import { readPin } from '../../../hsm/pin.ts';
import { openToken, type Token } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { setDestroyer } from './bench.ts';
import { freshId } from './fresh-id.ts';
import { softHsm } from './softhsm.ts';

const at = softHsm();
withEnvironment(at.environment);
after(() => at.remove());
const file = join(at.directory, 'pin');
const tool = (...args: string[]) =>
  execFileSync('pkcs11-tool', ['--module', at.module, ...args], { env: process.env, stdio: 'pipe' });
let token: Token;
let destroy: (label: string, id: string) => Promise<void>;

before(async () => {
  writeFileSync(file, at.pin);
  token = await openToken({ module: at.module, token: at.token, uri: undefined, pin: at.pin });
  await setDestroyer(at.directory);
  const pin = () => readPin({ file });
  destroy = destroyerOf({ module: at.module, token: token.name, pin, pinRecord: at.directory });
});

test('a second token with the label of ours, which came later, does not keep a key from being destroyed', async () => {
  const key = await token.generate('newleaf-a', 'ec-p256', freshId());
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'newleaf', '--pin', '9999', '--so-pin', '5678'], {
    stdio: 'pipe',
  });
  await destroy(key.label, key.id);
  token.forget(key.id);
  assert.equal(await token.find('newleaf-a'), undefined);
  const slot = slotOf(String(tool('-L')), token.name.serial);
  assert.ok(!String(tool(...slot, '--login', '--pin', at.pin, '-O')).includes(key.id));
});

test('a PIN that was changed is tried once, and the corrected file serves without a restart', async () => {
  const key = await token.generate('newleaf-a', 'ec-p256', freshId());
  const slot = slotOf(String(tool('-L')), token.name.serial);
  tool(...slot, '--login', '--pin', at.pin, '--change-pin', '--new-pin', '2718');
  await assert.rejects(destroy(key.label, key.id), { code: 'CKR_PIN_INCORRECT' });
  await assert.rejects(destroy(key.label, key.id), { code: 'PIN_REFUSED_BEFORE' });
  writeFileSync(file, '2718\n');
  await destroy(key.label, key.id);
  assert.throws(() => readFileSync(join(at.directory, 'refused-pin.json')), { code: 'ENOENT' });
});

/** How pkcs11-tool names the slot of the token with this serial number. */
function slotOf(listed: string, serial: string): string[] {
  const before = listed.slice(0, listed.indexOf(serial));
  return ['--slot', [...before.matchAll(/\((0x[0-9a-f]+)\)/g)].at(-1)?.[1] ?? ''];
}
