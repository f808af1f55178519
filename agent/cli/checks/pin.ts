import { type Check, failed, ok, skipped, x509 } from './check.ts';

/** CKF_USER_PIN_FINAL_TRY (PKCS#11 v2.40 section 3.2). */
const FINAL_TRY = 0x0002_0000;

/**
 * Logs in once, as the daemon does: a PIN that was accepted before costs nothing, and one that was refused is known by the
 * PinRecord and not tried. So it is tried only where a refusal can be noted, in the state directory; the very last try is left
 * to a person.
 */
export const pin: Check = {
  id: 'pin',
  describes: 'The token accepts the PIN.',
  of: 'x509',
  needs: ['token-present', 'state-directory'],
  async look(site) {
    const { hsm, state } = await x509(site);
    if (hsm.pin_file === undefined && site.env.CREDENTIALS_DIRECTORY === undefined && !site.holdsPin) {
      const message = 'The PIN is a systemd credential, which only root and the daemon can read.';
      return skipped(message, 'Whether the daemon has the right PIN: `newleaf status`.');
    }
    const { name, flags } = await site.slot();
    if ((flags & FINAL_TRY) !== 0) {
      const message = `One wrong PIN more, and the PIN of token "${name.label}" is locked: it was not tried.`;
      return failed('NL-TOKEN-PIN', message, 'Log in with the vendor tool and the right PIN once, then check again.');
    }
    if ((await site.mode(state.directory)) === 'absent') {
      const message = `The PIN was not tried: there is no ${state.directory} yet, where a refusal would be noted.`;
      return skipped(message, 'Run `newleaf init`, or start the daemon; then check again.');
    }
    await site.token();
    return ok(`Token "${name.label}" accepts the PIN.`);
  },
};
