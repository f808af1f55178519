import { CODES } from '../../failure/failure.ts';
import { type Check, failed, ok, warning } from './check.ts';

/** Troubles of the daemon that no check finds from outside: a refusal by the hub, a candidate that DPS does not accept. */
export const trouble: Check = {
  id: 'trouble',
  describes: 'The daemon has no trouble that needs a person.',
  needs: ['socket'],
  async look(site) {
    const { trouble, next, online, phase } = await site.status();
    const met = [trouble, next?.trouble].filter((one) => one !== undefined);
    const [worst] = [...met.filter(({ code }) => CODES[code].kind !== 'transient'), ...met];
    if (worst === undefined) {
      if (online || phase !== 'serving') return ok('The daemon has none.');
      return warning('The daemon is offline, and says no more.', 'See it try: `newleaf status --watch`.');
    }
    const { code, message, advice, cause } = worst;
    const about = code === next?.trouble?.code ? 'About the next leaf: ' : '';
    const words = `${about}${cause === undefined ? message : `${message} (${cause})`}`;
    return CODES[code].kind === 'transient' ? warning(`${code} ${words}`, advice) : failed(code, words, advice);
  },
};
