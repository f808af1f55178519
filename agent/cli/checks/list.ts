import type { Config } from '../../config/config.ts';
import { AZURE_CHECKS } from './azure.ts';
import type { Check } from './check.ts';
import { clock } from './clock.ts';
import { DAEMON_CHECKS } from './daemon.ts';
import { ISSUER_CHECKS } from './issuer.ts';
import { LEAF_CHECKS } from './leaf.ts';
import { permissions } from './permissions.ts';
import { STATE_CHECKS } from './state.ts';
import { TOKEN_CHECKS } from './token.ts';
import { tpm } from './tpm.ts';
import { UPLINK_CHECKS } from './uplink.ts';

/** Every check, from the gateway outwards: a check stands after those it needs. */
export const CHECKS: readonly Check[] = [
  ...STATE_CHECKS,
  permissions,
  clock,
  tpm,
  ...TOKEN_CHECKS,
  ...LEAF_CHECKS,
  ...AZURE_CHECKS,
  ...ISSUER_CHECKS,
  ...DAEMON_CHECKS,
  ...UPLINK_CHECKS,
];

/** The checks that make sense with this attestation; all, where the attestation is not known. */
export function checksFor(config: Config | undefined): readonly Check[] {
  if (config === undefined) return CHECKS;
  const { attestation } = config.dps;
  return CHECKS.filter(({ of = attestation }) => of === attestation);
}
