import type { Config } from '../../config/config.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import type { Trouble } from '../../roll/report.ts';
import type { OwnTerms } from '../../state/program-terms.ts';
import { isCode } from '../request/answer.ts';
import { askDaemon } from '../request/ask-daemon.ts';
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
  /** Their bytes on disk; absent in what an older daemon tells. */
  readonly inboxBytes?: number;
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
  /** Not sent, because the time in their `$.exp` had passed; absent in what an older daemon tells. */
  readonly expired?: number;
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

/** @throws Fault NL-INTERNAL, and those of `askDaemon` */
export const askUplink = (config: Config): Promise<UplinkTold> => asked(config, undefined, 10_000);

/** What a change answers: all that is told of the program, and how it connects. */
export type ShownProgram = ProgramTold & HowToConnect;

/** @throws Fault of the daemon, and those of `askUplink` */
export const askShown = (
  config: Config,
  change:
    | { add: string; key: boolean; again?: true; terms?: Changes }
    | { set: string; terms: Changes }
    | { show: string },
): Promise<ShownProgram> => asked(config, change);

/** What was ended and dropped of a program. @throws Fault of the daemon, and those of `askUplink` */
export const askForgotten = (config: Config, name: string): Promise<{ sessions: number; messages: number }> =>
  asked(config, { forget: name });

/** @throws Fault of the daemon, and those of `askUplink` @returns how many messages for the hub are lost */
export const askRemoval = async (config: Config, name: string): Promise<number> =>
  (await asked<{ lost: number }>(config, { remove: name })).lost;

async function asked<T>(config: Config, change?: object, ms?: number): Promise<T> {
  const { status, body } = await askDaemon(config, PATH, change, ms);
  if (status === 200) return body as T;
  throw refusal(status, body);
}

function refusal(status: number, body: unknown): Fault {
  const said: { code?: unknown; message?: string; advice?: string } =
    typeof body === 'object' && body !== null ? body : {};
  const { code, message = `The daemon answered ${status}.`, advice } = said;
  if (isCode(code)) return new Fault(code, { message, ...(advice !== undefined && { advice }) });
  if (status !== 404) return new Fault('NL-INTERNAL', { message });
  const older = 'The daemon that runs is older than this command, and knows no programs.';
  return new Fault('NL-INTERNAL', { message: older, advice: '`systemctl restart newleaf`' });
}
