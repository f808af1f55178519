import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { PinRecord } from '../../../hsm/pin-record.ts';

const TOKEN = 'gw (serial 1)';
const REFUSED = 'CKR_PIN_INCORRECT';
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'newleaf-pin-record-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const path = () => join(directory, 'refused-pin.json');

test('without a refusal every PIN may be tried, and nothing is written', async () => {
  await new PinRecord(directory).assertNotRefused('1234', TOKEN);
  await new PinRecord(directory).clear(TOKEN);
  assert.deepEqual(readdirSync(directory), []);
});

test('a refused PIN is not tried again after a restart; another PIN or token is', async () => {
  await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
  const restarted = new PinRecord(directory);
  const refusal = {
    name: 'TokenError',
    kind: 'pin',
    code: 'PIN_REFUSED_BEFORE',
    advice: new RegExp(`\`rm ${path()}\`\\. Then \`systemctl restart newleaf\`\\.$`),
  };
  await assert.rejects(restarted.assertNotRefused('1234', TOKEN), refusal);
  await restarted.assertNotRefused('1235', TOKEN);
  await restarted.assertNotRefused('1234', 'gw (serial 2)');
});

test('no refused PIN is tried twice, however many have been tried since, until the token accepts one', async () => {
  const record = new PinRecord(directory);
  for (const pin of ['1111', '2222', '3333']) await record.refused(pin, TOKEN, REFUSED);
  for (const pin of ['1111', '2222', '3333']) await assert.rejects(record.assertNotRefused(pin, TOKEN), pin);
  await record.clear(TOKEN);
  await record.assertNotRefused('2222', TOKEN);
  assert.deepEqual(readdirSync(directory), []);
});

test('eight are remembered: no token bears more wrong ones', async () => {
  const record = new PinRecord(directory);
  const pins = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
  for (const pin of pins) await record.refused(pin, TOKEN, REFUSED);
  await record.assertNotRefused('1', TOKEN);
  for (const pin of pins.slice(1)) await assert.rejects(record.assertNotRefused(pin, TOKEN), pin);
});

test('what one token accepts says nothing of another', async () => {
  const record = new PinRecord(directory);
  await record.refused('1111', TOKEN, REFUSED);
  await record.clear('gw (serial 2)');
  await assert.rejects(record.assertNotRefused('1111', TOKEN));
});

for (const code of ['CKR_PIN_LOCKED', 'CKR_USER_PIN_NOT_INITIALIZED', 'CKR_GENERAL_ERROR']) {
  test(`${code} says nothing against the PIN, so it may be tried once a person has acted`, async () => {
    const record = new PinRecord(directory);
    await record.refused('1234', TOKEN, code);
    await record.assertNotRefused('1234', TOKEN);
    assert.deepEqual(readdirSync(directory), []);
  });
}

test('the file does not hold the PIN, is for its owner only, and leaves no draft', async () => {
  const pin = '271828182845';
  await new PinRecord(directory).refused(pin, TOKEN, REFUSED);
  const text = readFileSync(path(), 'utf8');
  assert.ok(!text.includes(pin) && !text.includes(Buffer.from(pin).toString('hex')));
  assert.equal(statSync(path()).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(directory), ['refused-pin.json']);
});

test('a link in the place of the draft is replaced, and nothing is written where it leads', async () => {
  const precious = join(directory, 'precious');
  for (const target of [precious, join(directory, 'none')]) {
    writeFileSync(precious, 'precious', { mode: 0o644 });
    symlinkSync(target, `${path()}.new`);
    await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
    assert.equal(readFileSync(precious, 'utf8'), 'precious');
    assert.deepEqual(readdirSync(directory).sort(), ['precious', 'refused-pin.json']);
    assert.ok(lstatSync(path()).isFile());
    await assert.rejects(new PinRecord(directory).assertNotRefused('1234', TOKEN));
  }
});

test('a draft that a power cut has left is replaced, whatever its mode was', async () => {
  writeFileSync(`${path()}.new`, 'half', { mode: 0o666 });
  await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
  assert.equal(statSync(path()).mode & 0o777, 0o600);
});

test('the file, and then its name, are on the disk before the refusal is told: a power cut costs no try', async (t) => {
  const handle = await open(directory, 'r');
  const sync = t.mock.method(Object.getPrototypeOf(handle) as typeof handle, 'sync');
  await handle.close();
  await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
  assert.equal(sync.mock.callCount(), 2);
});

test('the same PIN leaves another digest each time', async () => {
  await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
  const first = readFileSync(path(), 'utf8');
  await new PinRecord(directory).refused('1234', TOKEN, REFUSED);
  assert.notEqual(readFileSync(path(), 'utf8'), first);
});

for (const text of ['', 'null', '{"token":', '{}', `{"token":"${TOKEN}","code":"x","salt":"00","digest":"00"}`]) {
  test(`a damaged record (${text || 'empty'}) does not keep the gateway off the token`, async () => {
    writeFileSync(path(), text);
    await new PinRecord(directory).assertNotRefused('1234', TOKEN);
  });
}

test('a record that cannot be written is an error, not a silence', async () => {
  const record = new PinRecord(join(directory, 'absent'));
  await assert.rejects(record.refused('1234', TOKEN, REFUSED), { code: 'ENOENT' });
});
