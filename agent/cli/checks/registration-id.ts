import { type Check, currentLeaf, failed, NO_LEAF, ok } from './check.ts';

export const registrationId: Check = {
  id: 'registration-id',
  describes: 'The CN of the leaf is the registration ID, as DPS demands.',
  of: 'x509',
  needs: ['state-file'],
  async look(site) {
    const current = await currentLeaf(site);
    if (current === undefined) return NO_LEAF;
    const { registration_id } = (await site.config()).config.dps;
    if (current.cn === registration_id)
      return ok(`The CN of the leaf and dps.registration_id are both ${registration_id}.`);
    const message = `The CN of the leaf is ${current.cn}, and dps.registration_id is ${registration_id}.`;
    return failed('NL-DPS-REJECTED', message, `Set dps.registration_id = "${current.cn}", or run \`newleaf roll\`.`);
  },
};
