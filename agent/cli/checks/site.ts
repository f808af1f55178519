import type { TokenSlot } from '../../../hsm/module.ts';
import type { Token } from '../../../hsm/token.ts';
import type { LoadedConfig } from '../../config.ts';
import type { Entry } from '../../entry.ts';
import type { Status } from '../../roll/report.ts';
import type { Dialled } from './dial.ts';

/** What the checks look at. Each question is asked once, however many checks need the answer. */
export interface Site {
  /** Wall clock, milliseconds. */
  readonly now: number;
  readonly env: NodeJS.ProcessEnv;
  /** @throws Fault NL-CONFIG */
  config(): Promise<LoadedConfig>;
  /** @throws Fault NL-STATE-CORRUPT; EACCES where this user may not read it */
  entry(): Promise<Entry | 'absent'>;
  /** Permission bits of a file or directory. @throws the error of the file system */
  mode(path: string): Promise<number | 'absent'>;
  /** @throws TokenError MODULE_NOT_LOADED */
  loadModule(): Promise<void>;
  /** The slot of the token, without logging in. @throws TokenError */
  slot(): Promise<TokenSlot>;
  /** The token, after one login. @throws TokenError */
  token(): Promise<Token>;
  /** @throws TokenError ENGINE_NOT_FOUND */
  prepareEngine(): Promise<void>;
  /** What the daemon says. @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED */
  status(): Promise<Status>;
  /** @param host `host` or `host:port`. @throws Unreached; the error of the file system for trust.ca_file */
  dial(host: string): Promise<Dialled>;
}
