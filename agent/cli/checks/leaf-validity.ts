import { x509Of } from '../../config.ts';
import { CODES } from '../../roll/failure.ts';
import { dueAt } from '../../roll/plan.ts';
import { fromNow, localMinute } from '../moment.ts';
import { type Check, failed, ok, skipped, warning } from './check.ts';

export const leafValidity: Check = {
  id: 'leaf-validity',
  describes: 'The current leaf is valid, and its renewal is planned.',
  needs: ['state-file'],
  async look(site) {
    const entry = await site.entry();
    if (entry === 'absent' || entry.current === undefined) return skipped('There is no leaf yet.');
    const { current, lastSeen = 0 } = entry;
    const { notBefore, notAfter } = current;
    const { now } = site;
    const moment = (at: number) => `${fromNow(at, now)} (${localMinute(at)})`;
    const floor = Math.max(notBefore, lastSeen);
    if (now < floor) {
      const message = `The clock is wrong: it says ${localMinute(now)}, and it cannot be before ${localMinute(floor)}.`;
      return failed('NL-CLOCK', message, CODES['NL-CLOCK'].advice);
    }
    if (now >= notAfter) {
      return failed(
        'NL-LEAF-VALIDITY',
        `The current leaf expired ${moment(notAfter)}.`,
        'See `newleaf status`, which says what newleaf is doing about it.',
      );
    }
    const due = dueAt(current, x509Of((await site.config()).config).leaf.renew_at);
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
