import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startedBy } from '../../../hsm/job.ts';
import { createTpm } from '../../../hsm/tpm/tpm.ts';
import { activationBlob } from '../../simulator/activation.ts';
import { hmac, newKey, PROGRAM } from './bench.ts';
import { Swtpm } from './swtpm.ts';

/** A TPM behind a character device, as /dev/tpmrm0 is one: a terminal in raw mode that socat joins to swtpm. */
async function deviceFile(t: TestContext): Promise<string> {
  const swtpm = Swtpm.start();
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-device-'));
  const link = join(directory, 'tpm');
  const watcher = watch(directory);
  const appears = once(watcher, 'change', { signal: AbortSignal.timeout(10_000) });
  const socat = spawn('socat', [`PTY,raw,echo=0,link=${link}`, `TCP:${swtpm.device}`], { stdio: 'inherit' });
  const ended = once(socat, 'close');
  t.after(async () => {
    socat.kill();
    await ended;
    await swtpm[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  await appears.finally(() => watcher.close());
  return realpathSync(link);
}

/** The processes of this test are those of a user without rights. */
function asNobody(t: TestContext): void {
  startedBy(['setpriv', '--reuid=65534', '--clear-groups', ...PROGRAM]);
  t.after(() => startedBy(PROGRAM));
}

test('a device file is a TPM like any other', async (t) => {
  const tpm = createTpm(await deviceFile(t));
  t.after(() => tpm.close());
  const { endorsementKey, storageRootKey } = await tpm.identity();
  const [identity, challenge, message] = [newKey(), newKey(), Buffer.alloc(2_000, 'm')];
  await tpm.activate(activationBlob(endorsementKey, storageRootKey, identity));
  const proof = await tpm.prove(activationBlob(endorsementKey, storageRootKey, challenge), Buffer.from('m'));
  assert.deepEqual(proof, hmac(challenge, Buffer.from('m')));
  assert.deepEqual(await tpm.sign(message), hmac(identity, message));
});

test('a device file that this user may not open is told', async (t) => {
  const device = await deviceFile(t);
  chmodSync(device, 0o600);
  asNobody(t);
  const tpm = createTpm(device);
  await assert.rejects(tpm.identity(), {
    name: 'TpmError',
    kind: 'denied',
    message: `This user may not use the TPM at ${device} (EACCES).`,
  });
});

test('a device that another program has to itself is told', async (t) => {
  const device = await deviceFile(t);
  chmodSync(device, 0o666);
  // TIOCEXCL: nobody else may open it, root excepted. /dev/tpm0 answers so by itself.
  const holder = spawn('socat', ['-d', '-d', '-u', `OPEN:${device},ioctl-void=21516`, 'OPEN:/dev/null'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(holder, 'close');
  t.after(async () => {
    holder.kill();
    await ended;
  });
  for await (const text of holder.stderr) if (String(text).includes('data transfer loop')) break;
  asNobody(t);
  const tpm = createTpm(device);
  await assert.rejects(tpm.identity(), {
    name: 'TpmError',
    kind: 'busy',
    message: `Another program holds the TPM at ${device} (EBUSY).`,
  });
});
