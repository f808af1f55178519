import { builtAt } from './build.ts';
import type { Config } from './config.ts';
import type { Terms } from './roll/plan.ts';

/** What the configuration and the build fix for the rules. */
export function termsOf({ dps, issuer, leaf, limits }: Config): Terms {
  return {
    automatic: issuer.kind === 'est' || issuer.kind === 'command',
    renewAt: leaf.renew_at,
    builtAt,
    requestsPerHour: limits.requests_per_hour,
    burst: limits.burst,
    minRollIntervalMs: limits.min_roll_interval,
    registered: `${dps.id_scope}/${dps.registration_id}@${dps.endpoint}`,
  };
}
