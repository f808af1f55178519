import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startedBy } from '../../../hsm/job.ts';
import { createTpm, type Tpm, type TpmOptions } from '../../../hsm/tpm/tpm.ts';
import { activationBlob } from '../../simulator/activation.ts';
import { Swtpm } from './swtpm.ts';

const BUNDLE = process.env.NEWLEAF_TEST_BUNDLE ?? join(import.meta.dirname, '..', '..', '..', 'dist', 'newleaf.js');
const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;

/** argv of the bundled program, which talks to a TPM. */
export const PROGRAM: readonly string[] = [NODE, BUNDLE];
startedBy(PROGRAM);

export interface Bench {
  readonly swtpm: Swtpm;
  readonly tpm: Tpm;
  /** A key as DPS wraps it for this TPM. */
  wrap(key: Uint8Array): Buffer;
}

/** A software TPM of its own, opened; both go away with the test. */
export async function bench(t: TestContext, options: TpmOptions = {}): Promise<Bench> {
  const swtpm = Swtpm.start();
  const tpm = createTpm(swtpm.device, options);
  t.after(async () => {
    tpm.close();
    await swtpm[Symbol.asyncDispose]();
  });
  const { endorsementKey, storageRootKey } = await tpm.identity();
  return { swtpm, tpm, wrap: (key) => activationBlob(endorsementKey, storageRootKey, key) };
}

export const newKey = (): Buffer => randomBytes(32);

/** What a holder of the key says of the message. */
export const hmac = (key: Uint8Array, message: Uint8Array): Buffer =>
  createHmac('sha256', key).update(message).digest();
