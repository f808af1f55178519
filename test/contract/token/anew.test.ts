import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { rehearsedAnew } from '../../../hsm/anew.ts';
import { csr } from '../../../hsm/csr.ts';
import { startedBy } from '../../../hsm/job.ts';
import { readPin } from '../../../hsm/pin.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { openToken, type Token } from '../../../hsm/token.ts';
import { AS_OTHERS } from '../../as-others.ts';
import { withEnvironment } from '../../put-back.ts';
import { authority } from './authority.ts';
import { bundled } from './bench.ts';
import { freshId } from './fresh-id.ts';
import { softHsm } from './softhsm.ts';

const at = softHsm();
withEnvironment(at.environment);
after(() => at.remove());
const file = join(at.directory, 'pin');
const { module, directory } = at;
const named = { module, token: at.token, uri: undefined };
const options = { ...named, tls: 'engine', notes: directory, directory } as const;
const goesOn = rehearsedAnew({ ...options, pin: () => readPin({ file }) });
let token: Token;
let key: PublicKey;
let leaf: Parameters<typeof goesOn>[0];

before(async () => {
  writeFileSync(file, at.pin);
  token = await openToken({ ...named, pin: at.pin });
  key = await token.generate('newleaf-a', 'ec-p256', freshId());
  leaf = { id: key.id, chain: authority(directory).issue(await csr('gw', key, (message) => token.sign(key, message))) };
  startedBy([...AS_OTHERS, ...(await bundled('destroy-child', at.directory))]);
});

test('a new process makes a handshake with a key of the open token, or says why not', async () => {
  await goesOn(leaf);
  await assert.rejects(goesOn({ ...leaf, id: '0badcafe' }), { kind: 'key', code: 'KEY_NOT_FOUND' });
});

test('files of SoftHSM that became read-only: this process signs on, and no new one makes a handshake', async () => {
  const tokens = join(at.directory, 'tokens');
  const all = readdirSync(tokens, { recursive: true }).map((name) => join(tokens, String(name)));
  const allow = (mode: number) => {
    for (const one of all) chmodSync(one, statSync(one).isDirectory() ? mode | 0o111 : mode);
  };
  allow(0o444);
  assert.ok((await token.sign(key, Buffer.of(1))).length > 0);
  await assert.rejects(goesOn(leaf), { kind: 'failed', code: 'CKR_GENERAL_ERROR' });
  allow(0o644);
  await goesOn(leaf);
});

test('a PIN that is gone or wrong is met before this process ends, and a wrong one is tried once', async () => {
  execFileSync('mv', [file, `${file}.away`]);
  await assert.rejects(goesOn(leaf), { kind: 'pin-file' });
  writeFileSync(file, '2718');
  await assert.rejects(goesOn(leaf), { code: 'CKR_PIN_INCORRECT' });
  await assert.rejects(goesOn(leaf), { code: 'PIN_REFUSED_BEFORE' });
  writeFileSync(file, at.pin);
  await goesOn(leaf);
});

test('a process that hangs is killed, and cannot do it', async () => {
  leaf = { id: key.id, chain: authority(directory).issue(await csr('gw', key, (message) => token.sign(key, message))) };
  startedBy([process.execPath, '-e', 'setInterval(() => {}, 1000)']);
  const hanging = rehearsedAnew({ ...options, pin: async () => at.pin }, 300);
  await assert.rejects(hanging(leaf), { kind: 'hung', code: 'CHILD_TIMEOUT' });
});
