import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { certificatePem, certificatesOf } from '../certificate/pem.ts';
import type { RollState } from '../roll/state.ts';
import { readRegular, writeIfOther } from './durable.ts';

/**
 * Writes the files that others may read of the state, where they differ: `leaf.pem` and `chain.pem` of the current leaf, and
 * `next.pem` while a candidate waits, so that an operator can enroll it. Read back only where the state was lost.
 * @throws Fault NL-STATE-WRITE
 */
export async function publish(directory: string, { current, next }: RollState): Promise<void> {
  const [leaf] = current === undefined ? [] : certificatesOf(current.chain);
  if (current !== undefined && leaf !== undefined) {
    await writeIfOther(join(directory, 'leaf.pem'), certificatePem(leaf), 0o644);
    await writeIfOther(join(directory, 'chain.pem'), current.chain, 0o644);
  }
  const waiting = next?.leaf;
  const candidate = join(directory, 'next.pem');
  if (waiting === undefined) await rm(candidate, { force: true });
  else await writeIfOther(candidate, waiting.chain, 0o644);
}

/** The chain of the leaf that was current last, where a person is asked about it. '' where there is none. */
export const publishedChain = (directory: string): Promise<string> =>
  readRegular(join(directory, 'chain.pem')).catch(() => '');
