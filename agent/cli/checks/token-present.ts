import { type Check, ok, warning } from './check.ts';

/** CKF_USER_PIN_COUNT_LOW: "an incorrect user login PIN has been entered at least once since the last successful
 * authentication" (PKCS#11 v2.40 section 3.2). */
const PIN_COUNT_LOW = 0x0001_0000;

export const tokenPresent: Check = {
  id: 'token-present',
  describes: 'The configuration names exactly one token.',
  of: 'x509',
  needs: ['module-loads'],
  async look(site) {
    const { name, flags } = await site.slot();
    const called = `Token "${name.label}" (serial ${name.serial}, ${name.manufacturer} ${name.model})`;
    if ((flags & PIN_COUNT_LOW) === 0) return ok(`${called} is there.`);
    return warning(
      `${called} has met a wrong PIN since the last right one.`,
      'Find out who tried: after some more the PIN is locked.',
    );
  },
};
