import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HubKey } from '../../../agent/keys/hub-key.ts';
import { createTpm } from '../../../hsm/tpm/tpm.ts';
import { scratch } from '../../unit/state/disk.ts';
import { bench, hmac, newKey } from './bench.ts';
import type { Swtpm } from './swtpm.ts';
import { COMMAND, Tap } from './tap.ts';

const message = Buffer.from('hub-1/devices/gw-0001\n1780000000');
const NEXT_KEY_FILE = 'tpm-next-key';
const IDENTITY = 0x81000100;
const keyLost = { name: 'TpmError', kind: 'key' };

/** A TPM whose key serves, and the next one, which DPS has sent and no hub has accepted. */
async function turning(t: TestContext) {
  const found = await bench(t);
  const directory = scratch(t);
  const [before, next] = [newKey(), newKey()];
  const key = new HubKey(found.tpm, directory);
  await key.promote(await key.take(found.wrap(before)));
  const name = await key.take(found.wrap(next));
  return { ...found, directory, key, before, next, name };
}

test('the next key signs beside the one that serves, and takes its place once it is promoted', async (t) => {
  const { key, before, next, name, directory, tpm } = await turning(t);
  assert.equal(statSync(join(directory, NEXT_KEY_FILE)).mode & 0o777, 0o600);
  assert.deepEqual(await key.sign(name, message), hmac(next, message));
  for (const other of [undefined, 'another']) assert.deepEqual(await key.sign(other, message), hmac(before, message));
  assert.deepEqual([await key.isNext(name), await key.isNext('another')], [true, false]);
  await key.promote('another');
  assert.deepEqual(await tpm.sign(message), hmac(before, message), 'that was not it');
  await key.promote(name);
  assert.deepEqual(await tpm.sign(message), hmac(next, message));
  assert.deepEqual(await key.sign(name, message), hmac(next, message));
  assert.deepEqual(readdirSync(directory), []);
});

test('a key that does not open is not taken, and nothing that is there is lost by it', async (t) => {
  const { key, before, next, name, wrap } = await turning(t);
  const damaged = wrap(newKey());
  damaged[100] = (damaged[100] ?? 0) ^ 1;
  await assert.rejects(key.take(damaged), { name: 'TpmError', kind: 'blob' });
  assert.deepEqual(await key.sign(name, message), hmac(next, message));
  assert.deepEqual(await key.sign(undefined, message), hmac(before, message));
});

test('another registration replaces the next key, and not the one that serves', async (t) => {
  const { key, before, name, wrap } = await turning(t);
  const third = newKey();
  const newer = await key.take(wrap(third));
  assert.deepEqual(await key.sign(newer, message), hmac(third, message));
  assert.equal(await key.isNext(name), false);
  assert.deepEqual(await key.sign(undefined, message), hmac(before, message));
});

test('a next key of another TPM, or a damaged file: no key, so that another registration brings one', async (t) => {
  const { directory, name } = await turning(t);
  const { tpm: other } = await bench(t);
  await assert.rejects(new HubKey(other, directory).sign(name, message), keyLost);
  const file = join(directory, NEXT_KEY_FILE);
  for (const text of ['', 'garbage', readFileSync(file, 'utf8').slice(0, 99)]) {
    writeFileSync(file, text);
    await assert.rejects(new HubKey(other, directory).sign(name, message), keyLost);
  }
  rmSync(file);
  mkdirSync(file);
  assert.equal(await new HubKey(other, directory).isNext(name), false);
});

/** What a promotion does to the TPM, in this order; it makes room, and then it stores. */
const STEPS: readonly number[] = [
  COMMAND.ActivateCredential,
  COMMAND.Import,
  COMMAND.Load,
  COMMAND.EvictControl,
  COMMAND.EvictControl,
];

test('a power cut before or after any step of a promotion: the next key signs, and is promoted then', async (t) => {
  const { swtpm, directory, key, next, name, tpm } = await turning(t);
  await using tap = await Tap.before(swtpm.device);
  const blob = readFileSync(join(directory, NEXT_KEY_FILE));
  const cut = new HubKey(createTpm(tap.device), directory);
  for (const fate of ['lost', 'unanswered'] as const) {
    for (const step of STEPS.keys()) {
      const told = `${fate}, step ${step}`;
      writeFileSync(join(directory, NEXT_KEY_FILE), blob);
      tpm.close();
      const seen: number[] = [];
      tap.judge = (code) => {
        if (STEPS.includes(code)) seen.push(code);
        return seen.length > step ? fate : 'pass';
      };
      await assert.rejects(cut.promote(name), { name: 'TpmError', kind: 'failed' }, told);
      assert.deepEqual(seen, STEPS.slice(0, step + 1));
      assert.deepEqual(await key.sign(name, message), hmac(next, message), told);
      await key.promote(name);
      assert.deepEqual(await tpm.sign(message), hmac(next, message), `${told}, then promoted`);
    }
  }
});

for (const [what, kind, stand] of [
  ['whose owner has set a password', 'password', (swtpm: Swtpm) => swtpm.setOwnerPassword('secret')],
  [
    'that holds something else in its place',
    'full',
    async (swtpm: Swtpm) => {
      await swtpm.evict(IDENTITY);
      await swtpm.occupy(IDENTITY);
    },
  ],
] as const) {
  test(`a TPM ${what} is told, loses nothing, and the next key signs all the same`, async (t) => {
    const { swtpm, key, next, name, tpm, directory } = await turning(t);
    tpm.close();
    await stand(swtpm);
    await assert.rejects(key.promote(name), { name: 'TpmError', kind });
    assert.deepEqual(await key.sign(name, message), hmac(next, message));
    assert.deepEqual(readdirSync(directory), [NEXT_KEY_FILE]);
    assert.ok((await swtpm.handles(tpm)).persistent.includes(IDENTITY));
  });
}
