import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from './durable.ts';
import { certificatePem, certificatesOf } from './issuer/pem.ts';
import type { RollState } from './roll/state.ts';

/**
 * Writes what others may read of the state: `leaf.pem` and `chain.pem` of the current leaf, and `next.pem` while a
 * candidate waits, so that an operator can enroll it. Nothing here is ever read back.
 * @throws Fault NL-STATE-WRITE
 */
export async function publish(directory: string, { current, next }: RollState): Promise<void> {
  if (current !== undefined) {
    const [leaf] = certificatesOf(current.chain);
    if (leaf !== undefined) await writeAtomically(join(directory, 'leaf.pem'), certificatePem(leaf), 0o644);
    await writeAtomically(join(directory, 'chain.pem'), current.chain, 0o644);
  }
  const candidate = join(directory, 'next.pem');
  if (next?.leaf === undefined) await rm(candidate, { force: true });
  else await writeAtomically(candidate, next.leaf.chain, 0o644);
}
