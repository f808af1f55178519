import { failureOf } from '../../thrown.ts';
import { type Check, failed, ok } from './check.ts';

export const tpm: Check = {
  id: 'tpm',
  describes: 'The TPM is there, and signs with the identity that DPS gave it.',
  of: 'tpm',
  needs: ['configuration'],
  async look(site) {
    const { config } = await site.config();
    const device = 'tpm' in config ? config.tpm.device : '';
    if (device.startsWith('/') && (await site.mode(device)) === 'absent') {
      return failed('NL-TPM-MISSING', `There is no ${device}.`);
    }
    try {
      await site.tpmSigns();
      return ok(`The TPM at ${device} signs with its identity key.`);
    } catch (error) {
      const { code, message } = failureOf(error);
      const isNew = await site.entry().then(
        (entry) => entry === 'absent' || entry.assignment === undefined,
        () => false,
      );
      if (code !== 'NL-TPM-KEY' || !isNew) throw error;
      return ok(`${message} DPS gives it one with the first registration.`);
    }
  },
};
