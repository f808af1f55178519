import type { TlsWay } from '../../../hsm/tls-way.ts';
import type { Token } from '../../../hsm/token.ts';
import type { Closed } from '../../config/closed.ts';
import type { LoadedConfig } from '../../config/config.ts';
import type { HttpsReply } from '../../issuer/answer.ts';
import type { Errand } from '../../issuer/enrolment.ts';
import type { Room } from '../../machine/room.ts';
import type { RollState } from '../../roll/state.ts';
import type { GatewayStatus } from '../status/present.ts';
import type { Answers } from './apart.ts';
import type { Dialled } from './dial.ts';
import type { Shaken } from './handshakes.ts';
import type { ServerTime } from './server-time.ts';
import type { ShownUnit } from './unit-shown.ts';

/** The part of a token that checks use. */
export type CheckedToken = Pick<
  Token,
  'name' | 'find' | 'generations' | 'findById' | 'findByUri' | 'describe' | 'certificates' | 'sign'
>;

/** The gateway as the checks see it. Each question is asked once, however many checks need the answer. */
export interface Site {
  /** Wall clock, milliseconds. */
  readonly now: number;
  readonly env: NodeJS.ProcessEnv;
  /** The user of the daemon, where this process is that user: the two have the same permissions. */
  readonly user: string | undefined;
  /** The daemon has a user of its own, and this process is neither that user nor root. */
  readonly isStranger: boolean;
  /** Root has read the daemon's PIN. */
  readonly holdsPin: boolean;
  /** @throws Fault NL-CONFIG */
  config(): Promise<LoadedConfig>;
  /** @throws Fault NL-STATE-CORRUPT; EACCES where this user may not read it */
  entry(): Promise<RollState | 'absent'>;
  /** The text of a file that a setting names. @throws Fault NL-CONFIG, with the error of the file system as its cause */
  text(setting: string, path: string): Promise<string>;
  /** PEM of the CAs in such a file. @throws Fault NL-CONFIG, also where there are none in it */
  authorities(setting: string, path: string): Promise<string>;
  /** Permission bits of a file or directory. @throws the error of the file system */
  mode(path: string): Promise<number | 'absent'>;
  /** Its group is that of the daemon's user. @throws the error of the file system */
  isOfGroup(path: string): Promise<boolean>;
  /** The first part of the way to a file that is closed to this user. */
  closedOn(path: string): Closed | undefined;
  /** Whether this user may do it. @throws the error of the file system */
  access(path: string, to: 'read' | 'write' | 'execute'): Promise<void>;
  /** How much room its file system has left for this user. @throws the error of the file system */
  room(directory: string): Promise<Room>;
  /** @throws Fault NL-TOKEN-MODULE, NL-TOKEN-HUNG */
  loadModule(): Promise<void>;
  /** The token, without logging in. @throws Fault NL-TOKEN-… */
  slot(): ReturnType<Answers['slot']>;
  /** The token, after one login. @throws Fault NL-TOKEN-… */
  token(): Promise<CheckedToken>;
  /** What does TLS with a key in the token. @throws TokenError ENGINE_NOT_FOUND, HELPER_NOT_FOUND */
  tlsWay(): Promise<TlsWay>;
  /** A TLS handshake of the current leaf with itself. @returns the versions that worked @throws Fault NL-TOKEN-…, NL-INTERNAL */
  rehearse(): Promise<readonly string[]>;
  /** Signs with the identity key of the TPM. @throws TpmError */
  tpmSigns(): Promise<void>;
  /** Names of the programs that send through newleaf. @throws the error of the file system */
  programs(): Promise<readonly string[]>;
  /** How the place of a program is not as root's record says; undefined where it is. @throws the error of the file system */
  misplaced(program: string): Promise<string | undefined>;
  /** The status from the daemon. @throws Fault NL-DAEMON-DOWN, NL-CONTROL-… */
  status(): Promise<GatewayStatus>;
  /** @param host `host` or `host:port` @param ca PEM @throws Unreached */
  dial(host: string, ca: string): Promise<Dialled>;
  /** A handshake that shows the current leaf, or the onboarding certificate. @throws Fault NL-TOKEN-…, NL-ONBOARDING-… */
  shake(host: string, as?: 'leaf' | 'bootstrap'): Promise<Shaken>;
  /** How DPS answers CONNECT of the onboarding identity, in this api-version or in that of the SDK. @throws the same, NL-DPS-… */
  connack(version?: string): Promise<number>;
  /**
   * One request over HTTPS.
   * @param ca PEM
   * @param as the current leaf, or the bootstrap (or onboarding) identity of the configuration
   * @throws Fault NL-EST-… for every server; NL-TOKEN-…
   */
  exchange(errand: Errand, ca: string, as: 'none' | 'leaf' | 'bootstrap'): Promise<HttpsReply>;
  /** The time of a server; undefined where none tells it. */
  serverTime(): Promise<ServerTime | undefined>;
  /** The unit of the daemon; undefined where there is no systemd. */
  unit(): Promise<ShownUnit | undefined>;
  /** Ends the processes that answered. */
  close(): void;
}
