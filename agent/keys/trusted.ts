import type { SecureContext } from 'node:tls';
import { TokenError } from '../../hsm/ckr.ts';
import type { TokenContexts } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import { identityInToken } from '../issuer/bootstrap.ts';
import { readAuthorities } from '../issuer/named-file.ts';
import type { Log } from '../machine/log.ts';
import type { Leaf } from '../roll/leaf.ts';
import { sync } from '../state/durable.ts';

export interface TrustedOptions {
  readonly token: Token;
  readonly contexts: TokenContexts;
  /** trust.ca_file: the CAs of DPS and hubs. */
  readonly caFile: string;
  readonly current: () => Leaf | undefined;
  readonly now: () => number;
  readonly log: Log;
}

/** TLS contexts with keys in the token. */
export class TrustedContexts {
  readonly #options: TrustedOptions;
  #onDisk: Promise<void> | undefined;

  constructor(options: TrustedOptions) {
    this.#options = options;
  }

  /** The token has written a key. */
  readonly wrote = (): void => {
    this.#onDisk = sync();
  };

  /** For DPS and hubs. */
  readonly forLeaf = async (leaf: Leaf): Promise<SecureContext> => {
    const { caFile, current } = this.#options;
    // SoftHSM 2.6.1 writes without fsync: a power cut would leave an empty file, and the old key is gone by then. So a new key
    // is on the disk before any server trusts it, whichever process has made it.
    if (leaf.key.id !== current()?.key.id) {
      this.#onDisk ??= sync();
      await this.#onDisk;
    }
    return this.#with(leaf, await readAuthorities('trust.ca_file', caFile));
  };

  /**
   * For an issuer: with the current leaf, while it is valid. A leaf whose key is lost proves nothing: the credentials of the
   * first enrolment may still work.
   */
  readonly forIssuer = async (ca: string): Promise<SecureContext | undefined> => {
    const { current, now, log } = this.#options;
    const leaf = current();
    if (leaf === undefined || leaf.notAfter <= now()) return undefined;
    try {
      return await this.#with(leaf, ca);
    } catch (error) {
      if (!(error instanceof TokenError) || error.kind !== 'key') throw error;
      const message = 'The current leaf cannot be shown to the issuer.';
      log.warn({ event: 'leaf-without-key', message, cause: error.message });
      return undefined;
    }
  };

  /** For an issuer: with a key in the token that is not the key of a leaf. */
  readonly forBootstrap = async (uri: string, chain: string | undefined, ca: string): Promise<SecureContext> => {
    const { token, contexts } = this.#options;
    return contexts.context(await identityInToken(token, uri, chain, ca));
  };

  #with({ key, chain }: Leaf, ca: string): Promise<SecureContext> {
    return this.#options.contexts.context({ id: key.id, chain, ca });
  }
}
