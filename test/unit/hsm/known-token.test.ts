import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { knownToken, rememberToken } from '../../../hsm/known-token.ts';
import { matches } from '../../../hsm/uri.ts';
import { scratch } from '../state/disk.ts';

const name = { label: 'gw; 1', serial: '0042', manufacturer: 'SoftHSM project', model: 'SoftHSM v2' };

test('the token that has worked is known again, and no other', async (t) => {
  const directory = scratch(t);
  assert.equal(await knownToken(directory), undefined);
  await rememberToken(directory, name);
  const known = await knownToken(directory);
  assert.ok(known !== undefined && matches(name, known));
  assert.ok(!matches({ ...name, serial: '0043' }, known));
  const path = join(directory, 'token-uri');
  const before = readFileSync(path, 'utf8');
  await rememberToken(directory, { ...name, serial: '0043' });
  assert.notEqual(readFileSync(path, 'utf8'), before);
  assert.deepEqual(readdirSync(directory), ['token-uri']);
});

for (const text of ['', 'pkcs11:serial', 'pkcs11:colour=red', '{"serial":"0042"}', '\0\0\0']) {
  test(`a damaged note (${JSON.stringify(text)}) counts as none`, async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'token-uri'), text);
    assert.equal(await knownToken(directory), undefined);
  });
}

test('a disk that takes no note keeps nothing from starting', async (t) => {
  const directory = join(scratch(t), 'absent');
  await rememberToken(directory, name);
  assert.equal(await knownToken(directory), undefined);
  mkdirSync(join(directory, 'token-uri'), { recursive: true });
  await rememberToken(directory, name);
  assert.equal(await knownToken(directory), undefined);
});
