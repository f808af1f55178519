import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { certificatePem, certificatesOf } from '../issuer/pem.ts';
import type { RollState } from '../roll/state.ts';
import { writeIfOther } from './durable.ts';

/**
 * Writes the files that others may read of the state, where they differ: `leaf.pem` and `chain.pem` of the current
 * leaf, and `next.pem` while a candidate waits, so that an operator can enroll it. Nothing here is ever read back.
 * @throws Fault NL-STATE-WRITE
 */
export async function publish(directory: string, { current, next }: RollState): Promise<void> {
  const [leaf] = current === undefined ? [] : certificatesOf(current.chain);
  if (current !== undefined && leaf !== undefined) {
    await writeIfOther(join(directory, 'leaf.pem'), certificatePem(leaf), 0o644);
    await writeIfOther(join(directory, 'chain.pem'), current.chain, 0o644);
  }
  const candidate = join(directory, 'next.pem');
  if (next?.leaf === undefined) await rm(candidate, { force: true });
  else await writeIfOther(candidate, next.leaf.chain, 0o644);
}
