import { needsNoPerson } from '../../config/terms.ts';
import { dueAt } from '../../roll/plan.ts';
import { fromNow, localMinute } from '../moment.ts';
import { type Check, currentLeaf, failed, NO_LEAF, ok, warning, x509 } from './check.ts';

export const leafValidity: Check = {
  id: 'leaf-validity',
  describes: 'The current leaf is valid, and its renewal is planned.',
  of: 'x509',
  needs: ['state-file', 'clock'],
  async look(site) {
    const current = await currentLeaf(site);
    if (current === undefined) return NO_LEAF;
    const { notAfter } = current;
    const { now } = site;
    const moment = (at: number) => `${fromNow(at, now)} (${localMinute(at)})`;
    if (now >= notAfter) {
      const advice = needsNoPerson((await x509(site)).issuer)
        ? 'newleaf gets a new one by itself, once the issuer can be reached and the daemon runs: see `newleaf status`.'
        : undefined;
      return failed('NL-LEAF-EXPIRED', `The current leaf expired ${moment(notAfter)}.`, advice);
    }
    const due = dueAt(current, (await x509(site)).leaf.renew_at);
    const expires = `The leaf expires ${moment(notAfter)}`;
    if (due === undefined)
      return warning(`${expires}, and no renewal is planned.`, 'Set leaf.renew_at, unless that is wanted.');
    if (due > now) return ok(`${expires}, renewal ${moment(due)}.`);
    return warning(
      `${expires}, and its renewal is due since ${localMinute(due)}.`,
      'See `newleaf status`, which says why it has not happened yet.',
    );
  },
};
