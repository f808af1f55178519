import { assignedHub } from './assigned-hub.ts';
import { type Check, failed, ok, skipped, warning } from './check.ts';
import { lookUp } from './registration.ts';

/**
 * Whether DPS would take the leaf again. It is asked for the state of the registration, and nothing is registered: DPS
 * pins whatever leaf registered last, and that is for the daemon to decide. It counts as one request in the quota of DPS.
 */
export const enrollment: Check = {
  id: 'enrollment',
  describes: 'DPS knows the current leaf, and its enrollment is enabled.',
  needs: ['dps-tls'],
  async look(site) {
    const id = (await site.config()).config.dps.registration_id;
    const found = await lookUp(site);
    if (found.kind === 'disabled') return failed('NL-DPS-DISABLED', `The enrollment of ${id} is disabled in DPS.`);
    if (found.kind === 'refused') {
      const why = 'neither it nor one of its issuers is enrolled, or the enrollment is disabled';
      return failed('NL-DPS-401002', `DPS does not accept the leaf of ${id}: ${why} (${found.words}).`);
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
