import { type Code, Fault } from '../../failure/failure.ts';
import { isCode } from '../../failure/failure-of.ts';
import type { Trouble } from '../../roll/report.ts';
import type { OwnTerms } from '../../state/program-terms.ts';
import { askDaemon } from '../request/ask-daemon.ts';
import type { DaemonHere } from '../status/daemon-place.ts';
import type { Changes } from './terms.ts';

/** What the daemon tells of a program of this gateway. Kept stable: fields are added, never renamed. */
export interface ProgramTold {
  readonly name: string;
  readonly connects: 'socket' | 'key';
  /** What was set for it; absent where nothing was. */
  readonly terms?: OwnTerms;
  /** Its connections. */
  readonly clients: number;
  /** Messages that wait for the hub. */
  readonly queued: number;
  /** Their bytes on disk. */
  readonly bytes: number;
  /** When the oldest of them was stored, ISO 8601. */
  readonly oldest?: string;
  /** Messages of the hub that wait for the program. */
  readonly inbox: number;
  /** Their bytes on disk. */
  readonly inboxBytes: number;
  /** When the oldest of them was stored, ISO 8601. */
  readonly inboxOldest?: string;
  /** From here on: since the daemon has started. The hub has acknowledged so many. */
  readonly forwarded: number;
  /** Sent again after the end of a session: at most so many came twice. */
  readonly resent: number;
  /** Not acknowledged, so that the program has them still. */
  readonly refused: number;
  /** Lost to their age, to `drop-oldest`, or to QoS 0 without a session. */
  readonly dropped: number;
  /** Not sent, because the time in their `$.exp` had passed. */
  readonly expired: number;
  /** Lost to the disk. */
  readonly damaged: number;
  /** Never taken by the hub: they are in rejected/. */
  readonly setAside: number;
  /** Why it cannot connect or send. */
  readonly trouble?: Trouble;
  /** The codes of all its troubles. */
  readonly codes?: readonly Code[];
}

/** `GET /v1/uplink`, and `uplink` in `GET /v1/status`. */
export interface UplinkTold {
  readonly programs: readonly ProgramTold[];
  /** The most messages a second to the hub, at present; absent where there are no programs. */
  readonly rate?: number;
  /** The hub seems to throttle. */
  readonly isThrottled?: boolean;
}

/** How a program connects. */
export type HowToConnect = { readonly name: string } & (
  | { readonly socket: string }
  | {
      /** `address:port`, TLS. */
      readonly tcp: string;
      /** The name by which it is reached, where uplink.hosts has one. */
      readonly host?: string;
      /** Base64. */
      readonly key: string;
      /** The file of the CA, PEM. */
      readonly ca: string;
    }
);

const PATH = '/v1/uplink';

/** What a change answers: all that is told of the program, and how it connects. */
export type ShownProgram = ProgramTold & HowToConnect;

/** @throws Fault of the daemon, NL-INTERNAL, and those of `askDaemon`; so do all below */
export const askUplink = (place: DaemonHere) => asked<UplinkTold>(place, undefined, 10_000);

export const askShown = (
  place: DaemonHere,
  change:
    | { add: string; key: boolean; again?: true; terms?: Changes }
    | { set: string; terms: Changes }
    | { show: string },
) => asked<ShownProgram>(place, change);

/** What was ended and dropped of a program. */
export const askForgotten = (place: DaemonHere, name: string) =>
  asked<{ sessions: number; messages: number }>(place, { forget: name });

/** @returns how many messages for the hub are lost */
export const askRemoval = async (place: DaemonHere, name: string): Promise<number> =>
  (await asked<{ lost: number }>(place, { remove: name })).lost;

async function asked<T>(place: DaemonHere, change?: object, waitMs?: number): Promise<T> {
  const { status, body } = await askDaemon(place, PATH, change, waitMs);
  if (status === 200) return body as T;
  throw refusal(status, body);
}

function refusal(status: number, body: unknown): Fault {
  const said: { code?: unknown; message?: string; advice?: string } =
    typeof body === 'object' && body !== null ? body : {};
  const { code, message = `The daemon answered ${status}.`, advice } = said;
  return isCode(code) ? new Fault(code, { message, advice }) : new Fault('NL-INTERNAL', { message });
}
