import { type Mutation, of } from './mutation.ts';

/** The identity for DPS where Azure issues the leaves: certificates of others that are taken, and an end that is told too late. */
export const ONBOARDING: readonly Mutation[] = [
  of(
    'keys/onboarding.ts',
    'a certificate of 90 days is told to end all its life',
    'Math.min(EARLY_MS, (notAfter - notBefore) * EARLY_SHARE)',
    'EARLY_MS',
  ),
  of(
    'keys/onboarding.ts',
    'the end of the onboarding certificate is told too late',
    '90 * 86_400_000',
    '9 * 86_400_000',
  ),
  of(
    'keys/onboarding.ts',
    'a DPS that throttles is told as an onboarding certificate that has expired',
    "notAfter <= now && (error.failure.kind === 'refused' || code === 'NL-DPS-UNREACHABLE')",
    'notAfter <= now',
  ),
  of(
    'keys/onboarding.ts',
    'a handshake that DPS ends over an expired certificate is told as a line that is down',
    " || code === 'NL-DPS-UNREACHABLE'",
    '',
  ),
  of('keys/onboarding.ts', 'a lost onboarding key costs the leaf', "met?.kind !== 'key'", 'true'),
  of(
    'keys/onboarding-file.ts',
    'a certificate that is missing is not asked for',
    '.then(() => undefined, failureOf)',
    '.then(() => undefined, () => undefined)',
  ),
  of(
    'keys/onboarding-file.ts',
    'the onboarding certificate before is lost',
    'if (before !== chain) await',
    'if (before === undefined) await',
  ),
  of(
    'keys/onboarding-file.ts',
    'the same certificate again replaces the one that is kept',
    'if (before !== chain) ',
    '',
  ),
  of(
    'keys/onboarding.ts',
    'a certificate that is missing is told as a wrong configuration',
    "if (code !== 'ENOENT') throw error;",
    'throw error;',
  ),
];
