import { Fault } from '../failure/failure.ts';
import { isNamed } from '../network/named.ts';
import type { Dps } from '../roll/ports.ts';

/**
 * DPS that may assign some hosts only: a person who can change an enrollment or an allocation function could send the gateway
 * anywhere. Another assignment is a refusal, and no outage: the gateway stays with its leaf and its hub, goes on renewing, and
 * asks again after 5 and 15 minutes, then every hour, so that only DPS must be corrected.
 * @param allowed dps.allowed_hubs; any host without it
 */
export function onlyTo(dps: Dps, allowed: readonly string[] | undefined): Dps {
  if (allowed === undefined) return dps;
  return {
    ...dps,
    async register(leaf, abort) {
      const assignment = await dps.register(leaf, abort);
      if (isNamed(assignment.hub, allowed)) return assignment;
      const message = `DPS assigned the hub ${assignment.hub}, which dps.allowed_hubs does not allow.`;
      throw new Fault('NL-DPS-HUB', { message });
    },
  };
}
