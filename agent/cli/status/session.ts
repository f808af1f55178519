import type { Status, Trouble } from '../../roll/report.ts';
import { span } from '../moment.ts';
import type { GatewayStatus } from './present.ts';
import { wrongOf } from './wrong.ts';

/** A hub that has left a ping without an answer for so long, in seconds, is told; the session is given up later (pings.ts). */
const UNANSWERED_S = 20;
/** The default of network.keepalive. */
const KEEPALIVE_S = 180;
/** A hub that was heard within this time is there; for work that waits for another server, sooner. */
const FRESH_MS = { atRest: 60_000, atWork: 10_000 };

/** Time since the hub was last heard, in milliseconds; 0 where that is not known. */
const silence = ({ at, heardAt }: GatewayStatus): number =>
  heardAt === undefined ? 0 : Math.max(0, Date.parse(at) - Date.parse(heardAt));

/** A session is open, and the hub does not answer in it. */
export const leavesUnanswered = (status: GatewayStatus): boolean =>
  status.online && silence(status) > ((status.keepalive?.seconds ?? KEEPALIVE_S) + UNANSWERED_S) * 1_000;

/** The keepalive, where it is shorter than it was set. */
export function shortened({ keepalive }: Status): string | undefined {
  if (keepalive?.idleLimitSeconds === undefined) return undefined;
  const { seconds, idleLimitSeconds } = keepalive;
  return `${seconds} s: connections that are idle for ${idleLimitSeconds} s are ended on the way to the hub (NL-NETWORK-IDLE)`;
}

const isUnreached = ({ code }: Trouble): boolean => /-UNREACHABLE$|^NL-NETWORK-/.test(code);

/** `online`, as far as that is known: an open session notices only after minutes that the network is gone. */
export function sessionInWords(status: GatewayStatus): string {
  if (!status.online) return 'offline';
  const silentMs = silence(status);
  if (leavesUnanswered(status)) return `online, but the hub has not answered for ${span(silentMs)}`;
  // Another server is not reached: is it the network?
  const isDoubted = wrongOf(status).some(isUnreached);
  const fresh = status.request === undefined ? FRESH_MS.atRest : FRESH_MS.atWork;
  const isTold = status.heardAt !== undefined && (isDoubted || silentMs >= fresh);
  return isTold ? `online, the hub was heard ${span(silentMs)} ago` : 'online';
}
