import { builtAt } from '../../machine/build.ts';
import { localMinute, span } from '../moment.ts';
import type { ServerTime } from '../proof/server-time.ts';
import type { Site } from '../proof/site.ts';
import { type Check, failed, ok, warning } from './check.ts';

/** "Clock drift >5 min" is what IoT Hub refuses (azure-docs, iot-hub troubleshooting); a server tells whole seconds. */
const TOO_FAR_MS = 5 * 60_000;
const NOTABLE_MS = 60_000;

export const clock: Check = {
  id: 'clock',
  describes: 'The clock is credible, and agrees with a server.',
  needs: ['configuration'],
  async look(site) {
    const { now } = site;
    const [floor, server] = await Promise.all([floorOf(site), serverTimeOf(site)]);
    const told = server === undefined ? '' : ` ${inWords(server)}`;
    if (now < floor) {
      const wrong = `The clock is wrong: it says ${localMinute(now)}, and it cannot be before ${localMinute(floor)}.`;
      return failed('NL-CLOCK', `${wrong}${told}`);
    }
    if (server === undefined) return ok('The clock is credible. No server could be asked what time it is.');
    const ahead = server.here - server.at;
    const off = Math.abs(ahead);
    const message = `The clock is ${span(off)} ${ahead > 0 ? 'ahead' : 'behind'}.${told}`;
    if (off > TOO_FAR_MS) return failed('NL-CLOCK', message);
    if (off > NOTABLE_MS) return warning(message, 'Is NTP at work? See `timedatectl`.');
    return ok(`The clock is credible, and agrees with ${server.from}.`);
  },
};

function inWords({ from, at, isProven }: ServerTime): string {
  const proof = isProven ? '' : ', which cannot prove who it is while the clock is wrong';
  return `It is ${localMinute(at)} by ${from}${proof}.`;
}

/** With a wrong clock, nothing that depends on it can be judged. */
export async function isClockWrong(site: Site): Promise<boolean> {
  const server = await serverTimeOf(site);
  return site.now < (await floorOf(site)) || (server !== undefined && Math.abs(server.here - server.at) > TOO_FAR_MS);
}

/** The floor of agent/roll/terms.ts, from the files that this user may read. */
async function floorOf(site: Site): Promise<number> {
  const entry = await site.entry().catch(() => 'absent' as const);
  if (entry === 'absent') return builtAt;
  return Math.max(builtAt, entry.lastSeen ?? 0, entry.current?.notBefore ?? 0);
}

/** Faults of trust or network have checks of their own. */
const serverTimeOf = (site: Site): Promise<ServerTime | undefined> => site.serverTime().catch(() => undefined);
