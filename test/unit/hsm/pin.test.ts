import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { heldPin, pinSource, readPin } from '../../../hsm/pin.ts';

const directory = mkdtempSync(join(tmpdir(), 'newleaf-pin-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'pin');

const texts: readonly (readonly [string, string])[] = [
  ['1234', '1234'],
  ['1234\n', '1234'],
  ['1234\r\n', '1234'],
  ['  1234  \n\n', '1234'],
  ['Gießkanne 7\n', 'Gießkanne 7'],
];

for (const [text, pin] of texts) {
  test(`${JSON.stringify(text)} is the PIN ${pin}`, async () => {
    writeFileSync(file, text);
    assert.equal(await readPin({ file }), pin);
  });
}

test('the systemd credential is read when no file is given, and only then', async () => {
  writeFileSync(join(directory, 'hsm-pin'), '5678\n');
  assert.equal(await readPin({ credentialsDirectory: directory }), '5678');
  writeFileSync(file, '1234');
  assert.equal(await readPin({ file, credentialsDirectory: directory }), '1234');
  assert.equal(await readPin({ held: '9999', credentialsDirectory: directory }), '9999');
  assert.equal(await readPin({ file, held: '9999' }), '1234', 'the daemon reads the configured file, too');
});

test('an empty, an absent and an unnamed PIN are refused', async () => {
  const refusal = { name: 'TokenError', kind: 'pin-file', code: 'PIN_FILE' };
  writeFileSync(file, ' \n');
  await assert.rejects(readPin({ file }), { ...refusal, message: /is empty/ });
  await assert.rejects(readPin({ file: join(directory, 'absent') }), { ...refusal, message: /ENOENT/ });
  await assert.rejects(readPin({ credentialsDirectory: join(directory, 'absent') }), refusal);
  await assert.rejects(readPin({}), { ...refusal, message: /neither/ });
});

test("OpenSSL's copy of the PIN has no name, no newline, and no other reader", () => {
  const before = readdirSync(directory);
  const source = pinSource(heldPin('1234', directory));
  assert.match(source, /^file:\/proc\/self\/fd\/\d+$/);
  const path = source.slice('file:'.length);
  assert.equal(readFileSync(path, 'utf8'), '1234');
  assert.equal(readFileSync(path, 'utf8'), '1234', 'it can be read again for every context');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(path).nlink, 0);
  assert.deepEqual(readdirSync(directory), before);
});

test('a directory that cannot be written is named', () => {
  const absent = join(directory, 'absent');
  assert.throws(() => heldPin('1234', absent), {
    code: 'PIN_FILE',
    message: /ENOENT/,
    advice: `newleaf must be able to write there: \`ls -ld ${absent}\`. Then start it again.`,
  });
});
