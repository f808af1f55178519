import { join } from 'node:path';
import { failureOf } from '../../failure/failure-of.ts';
import { type Check, failed, ok, warning } from './check.ts';

const WHY = 'The log says why: `journalctl -u newleaf | grep -e key-before-kept -e key-not-promoted`';

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
      const signs = `The TPM at ${device} signs with its identity key.`;
      // The daemon serves with it, and says why only in the log: to the machine both sessions are the same.
      const next = await site.mode(join(config.state.directory, 'tpm-next-key')).catch(() => 'absent');
      if (next === 'absent') return ok(signs);
      const waits =
        'The next one, which DPS has sent, has not taken its place: the hub or the TPM did not accept it yet.';
      return warning(`${signs} ${waits}`, WHY);
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
