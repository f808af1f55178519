import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { startedBy } from '../../../hsm/job.ts';
import { createTpm } from '../../../hsm/tpm/tpm.ts';
import { activationBlob } from '../../simulator/activation.ts';
import { bench, hmac, newKey, PROGRAM } from './bench.ts';

const message = Buffer.from('m');
const failure = (kind: string, words: RegExp) => ({ name: 'TpmError', kind, message: words });

/** One byte in each part of an activation blob. */
const PLACES = { credential: 20, 'seed of the credential': 100, key: 350, 'seed of the key': 500, 'public area': 700 };

test('a damaged key from DPS is a typed failure, wherever the damage is, and as often as it comes', async (t) => {
  const { tpm, wrap } = await bench(t);
  const identity = newKey();
  await tpm.activate(wrap(identity));
  const damaged = Object.values(PLACES).map((place) => {
    const blob = wrap(newKey());
    blob[place] = (blob[place] ?? 0) ^ 1;
    return blob;
  });
  const cut = wrap(newKey()).subarray(0, 300);
  const missized = wrap(newKey());
  missized.writeUInt16BE(0xfffe);
  // A TPM has three places for sessions: what an activation that fails leaves there must be gone the next time.
  for (const [at, blob] of [
    ...damaged,
    cut,
    missized,
    Buffer.from('garbage'),
    Buffer.alloc(0),
    Buffer.alloc(900, 1),
  ].entries()) {
    const activation = at % 2 === 0 ? tpm.activate(blob) : tpm.prove(blob, message);
    await assert.rejects(activation, failure('blob', /^The TPM cannot open the key that DPS sent: .+\.$/));
  }
  assert.deepEqual(await tpm.sign(message), hmac(identity, message), 'the identity key is untouched');
});

test('a key that was wrapped for another TPM does not open', async (t) => {
  const { tpm } = await bench(t);
  const { tpm: other } = await bench(t);
  const { endorsementKey, storageRootKey } = await other.identity();
  await assert.rejects(
    tpm.activate(activationBlob(endorsementKey, storageRootKey, newKey())),
    failure('blob', /Activate/),
  );
});

for (const [what, device, words] of [
  ['device file', '/dev/no-such-tpm', /^There is no TPM at \/dev\/no-such-tpm \(ENOENT\)\.$/],
  ['TPM behind the port', '127.0.0.1:1', /^There is no TPM at 127\.0\.0\.1:1 \(ECONNREFUSED\)\.$/],
  ['device, but a file', '/etc/passwd', /^\/etc\/passwd is no device\.$/],
] as const) {
  test(`no ${what}`, async () => {
    await assert.rejects(createTpm(device).identity(), failure('missing', words));
  });
}

test('a TPM that goes away is told, and is used again when it is back', async (t) => {
  const { swtpm, tpm } = await bench(t);
  const before = await tpm.identity();
  await swtpm.powerOff();
  await assert.rejects(tpm.identity(), failure('failed', /^The TPM does not answer: the TPM has gone\.$/));
  await assert.rejects(tpm.identity(), failure('missing', /ECONNREFUSED/));
  swtpm.powerOn();
  assert.deepEqual(await tpm.identity(), before);
});

test('a TPM that never answers is given up', async (t) => {
  const silent = createServer((socket: Socket) => socket.resume()).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const tpm = createTpm(`127.0.0.1:${port}`, { limitMs: 1_000 });
  await assert.rejects(tpm.identity(), failure('failed', /ended without an answer: SIGKILL\.$/));
});

test('a program that is not there is told', async (t) => {
  startedBy(['/no/such/node']);
  t.after(() => startedBy(PROGRAM));
  await assert.rejects(createTpm('/dev/tpmrm0').identity(), failure('failed', /ENOENT/));
});
