import type { Terms } from '../roll/terms.ts';
import type { Config, IssuerChoice } from './config.ts';

/** Whether newleaf gets a leaf from this issuer by itself. */
export const needsNoPerson = ({ kind }: IssuerChoice): boolean =>
  kind === 'est' || kind === 'command' || kind === 'azure';

/**
 * The constants of the rules, from configuration and build.
 * @param builtAt when this newleaf was built, in milliseconds since 1970: a clock before that is wrong
 */
export function termsOf(config: Config, builtAt: number): Terms {
  const { dps, limits } = config;
  const hasLeaf = !('tpm' in config);
  return {
    attestation: dps.attestation,
    trust: hasLeaf && config.issuer.kind === 'azure' ? 'ca' : 'leaf',
    automatic: hasLeaf && needsNoPerson(config.issuer),
    keepKey: hasLeaf && !config.leaf.rotate_key,
    renewAt: hasLeaf ? config.leaf.renew_at : 'off',
    builtAt,
    requestsPerHour: limits.requests_per_hour,
    burst: limits.burst,
    minRollIntervalMs: limits.min_roll_interval,
    registered: `${dps.id_scope}/${dps.registration_id}@${dps.endpoint}`,
  };
}
