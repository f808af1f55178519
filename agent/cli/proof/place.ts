import type { TlsSettings } from '../../../hsm/tls-way.ts';

/** Which token, by the names of the configuration. */
export interface TokenPlace {
  readonly module: string;
  readonly token: string | undefined;
  readonly uri: string | undefined;
  /** The state directory: it remembers a refused PIN, and the token that has worked. */
  readonly notes: string;
}

/** How the daemon opens it. */
export interface TokenLogin extends TokenPlace, TlsSettings {
  readonly pin: string;
}
