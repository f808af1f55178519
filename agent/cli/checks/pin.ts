import { x509Of } from '../../config.ts';
import { type Check, failed, ok, skipped } from './check.ts';

/** CKF_USER_PIN_FINAL_TRY (PKCS#11 v2.40 section 3.2). */
const FINAL_TRY = 0x0002_0000;

/**
 * Logs in once, as the daemon does: with a PIN that was accepted before it costs nothing, and one that was refused is
 * known by the PinRecord and not tried. The very last try is left to a person.
 */
export const pin: Check = {
  id: 'pin',
  describes: 'The token accepts the PIN.',
  needs: ['token-present'],
  async look(site) {
    const { hsm } = x509Of((await site.config()).config);
    if (hsm.pin_file === undefined && site.env.CREDENTIALS_DIRECTORY === undefined) {
      const message = 'The PIN is a systemd credential, which only the daemon can read.';
      return skipped(message, 'Whether the daemon has the right PIN: `newleaf status`.');
    }
    const { name, flags } = await site.slot();
    if ((flags & FINAL_TRY) !== 0) {
      const message = `One wrong PIN more, and the PIN of token "${name.label}" is locked: it was not tried.`;
      return failed('NL-TOKEN-PIN', message, 'Log in with the vendor tool and the right PIN once, then check again.');
    }
    await site.token();
    return ok(`Token "${name.label}" accepts the PIN.`);
  },
};
