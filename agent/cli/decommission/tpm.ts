import { createTpm } from '../../../hsm/tpm/tpm.ts';
import type { TpmConfig } from '../../config/config.ts';
import { type Holding, unfinished, untouched } from './holding.ts';

/**
 * The object of newleaf in the TPM by which it attests: the key that DPS has sent.
 * @throws Fault where the TPM cannot be used
 */
export async function tpmHolding({ tpm: { device } }: TpmConfig): Promise<Holding> {
  const tpm = createTpm(device);
  try {
    await tpm.identity();
  } catch (error) {
    throw untouched(error);
  } finally {
    tpm.close();
  }
  return {
    own: [`the key that DPS has sent to the TPM (${device})`],
    kept: [`the endorsement key and the storage root key of the TPM (${device}): they are the TPM's own`],
    async destroy() {
      try {
        await tpm.forget();
      } catch (error) {
        throw unfinished(error, 'The key in the TPM could not be destroyed.');
      } finally {
        tpm.close();
      }
    },
  };
}
