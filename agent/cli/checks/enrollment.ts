import { X509Certificate } from 'node:crypto';
import { CODES } from '../../failure/failure.ts';
import { issuerOf } from '../../issuer/name.ts';
import { certificatesOf } from '../../issuer/pem.ts';
import { assignedHub, type Check, currentLeaf, failed, ok, skipped, warning } from './check.ts';
import { lookUp } from './registration.ts';
import type { Site } from './site.ts';

/**
 * Whether DPS would accept the leaf again. The check asks for the state of the registration and registers nothing: DPS pins
 * the leaf that registered last, and that decision is the daemon's. It counts as one request in the quota of DPS.
 */
export const enrollment: Check = {
  id: 'enrollment',
  describes: 'DPS knows the current leaf, and its enrollment is enabled.',
  of: 'x509',
  needs: ['dps-tls', 'registration-id'],
  async look(site) {
    const id = (await site.config()).config.dps.registration_id;
    const found = await lookUp(site);
    if (found.kind === 'disabled') return failed('NL-DPS-DISABLED', `The enrollment of ${id} is disabled in DPS.`);
    if (found.kind === 'refused') {
      const why = 'neither it nor one of its issuers is enrolled, or the enrollment is disabled';
      const message = `DPS does not accept the leaf of ${id}: ${why} (${found.words}).`;
      return failed('NL-DPS-401002', message, await adviceFor(site));
    }
    if (found.kind === 'unknown') {
      const advice = 'Operator: was it deleted on purpose? If not: newleaf reprovision';
      return warning(`DPS has no registration of ${id}.`, advice);
    }
    if (found.kind === 'other') return skipped(found.words);
    const hub = await assignedHub(site);
    if (found.hub === hub) return ok(`DPS knows ${id}, and has assigned ${hub}.`);
    return warning(`DPS has assigned ${found.hub}, and newleaf goes to ${hub ?? 'no hub yet'}.`, 'newleaf reprovision');
  },
};

/** DPS answers a chain that lacks an intermediate as it answers a leaf without enrollment. */
async function adviceFor(site: Site): Promise<string> {
  const [leaf, ...others] = certificatesOf((await currentLeaf(site))?.chain ?? '');
  const { advice } = CODES['NL-DPS-401002'];
  if (leaf === undefined || others.length > 0) return advice;
  const issuer = issuerOf(new X509Certificate(leaf));
  return `${advice} If DPS has enrolled a CA above "${issuer}": the leaf is sent without intermediates, so install it again together with them.`;
}
