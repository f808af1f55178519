import { TokenError } from '../../hsm/ckr.ts';
import type { TlsConnector } from '../../hsm/connector.ts';
import { tokenErrorOf } from '../../hsm/engine.ts';
import type { TokenConnectors } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import type { TokenApart } from '../../hsm/token-apart.ts';
import { isReadable } from '../certificate/pem.ts';
import type { Log } from '../machine/log.ts';
import { readAuthorities } from '../machine/named-file.ts';
import type { Leaf } from '../roll/leaf.ts';
import type { Dps, Hub } from '../roll/ports.ts';
import { sync } from '../state/durable.ts';
import { identityInToken } from './bootstrap.ts';
import type { FewAuthorities } from './few-authorities.ts';

interface TrustedOptions {
  readonly token: Token;
  /** As a new process sees it. */
  readonly apart: Pick<TokenApart, 'findById' | 'forget'>;
  readonly connectors: TokenConnectors;
  /** trust.ca_file: the CAs of DPS and hubs. */
  readonly caFile: string;
  readonly few: FewAuthorities;
  readonly current: () => Leaf | undefined;
  /** The key of the current leaf counts as lost: it may be there, and sign nothing. */
  readonly isLost: () => boolean;
  readonly now: () => number;
  readonly log: Log;
}

/** TLS connectors with keys in the token. */
export function trustedConnectors({
  token,
  apart,
  connectors,
  caFile,
  few,
  current,
  isLost,
  now,
  log,
}: TrustedOptions) {
  let onDisk: Promise<void> | undefined;
  /** A key that this process no longer sees is lost where a new one sees none either. */
  const isGone = async ({ kind, code }: TokenError, id: string): Promise<boolean> => {
    if (code !== 'KEY_VANISHED') return kind === 'key';
    apart.forget(id);
    return apart.findById(id).then(
      (found) => found === undefined,
      () => false,
    );
  };
  const withLeaf = ({ key, chain }: Leaf, ca: string) => connectors.connector({ id: key.id, chain, ca });
  return {
    /** The token has written a key. */
    wrote(): void {
      onDisk = sync();
    },

    /** For DPS and hubs. */
    async forLeaf(leaf: Leaf): Promise<TlsConnector> {
      // SoftHSM 2.6.1 writes without fsync: a power cut would leave an empty file, and the old key is gone by then. So a new
      // key is on the disk before any server trusts it, whichever process has made it.
      if (leaf.key.id !== current()?.key.id) {
        onDisk ??= sync();
        await onDisk;
      }
      const all = await readAuthorities('trust.ca_file', caFile);
      return few.noting(await withLeaf(leaf, await few.of(all)), all);
    },

    /**
     * For an issuer: with the current leaf, while it is valid. A leaf whose key is lost, or that is damaged, proves nothing: the credentials of the
     * first enrolment may still work. Its session may be open all the same.
     */
    async forIssuer(ca: string): Promise<TlsConnector | undefined> {
      const leaf = current();
      // A handshake with such a key would poison the module each time.
      if (leaf === undefined || leaf.notAfter <= now() || isLost()) return undefined;
      try {
        return await withLeaf(leaf, ca);
      } catch (error) {
        const isDamaged = error instanceof TokenError && error.code === 'CONTEXT' && !isReadable(leaf.chain);
        if (!(error instanceof TokenError) || !(isDamaged || (await isGone(error, leaf.key.id)))) throw error;
        const message = 'The current leaf cannot be shown to the issuer.';
        log.warn({ event: 'leaf-without-key', message, cause: error.message });
        return undefined;
      }
    },

    /** For an issuer: with a key in the token that is not the key of a leaf. */
    forBootstrap: async (uri: string, chain: string | undefined, ca: string): Promise<TlsConnector> =>
      connectors.connector(await identityInToken(token, uri, chain, ca)),
  };
}

/**
 * DPS and hub, reached with a key in the token: a lost key shows in the handshake. An OpenSSL error about the token is
 * reported as a fault of the token.
 */
export function overToken(
  { dps, hub }: { readonly dps: Dps; readonly hub: Hub },
  few: FewAuthorities,
): { dps: Dps; hub: Hub } {
  const rethrow = (error: unknown): never => {
    throw tokenErrorOf(error) ?? error;
  };
  return {
    dps: { ...dps, register: (leaf, abort) => few.enough(() => dps.register(leaf, abort)).catch(rethrow) },
    hub: {
      ...hub,
      connect: (leaf, assignment, abort) => few.enough(() => hub.connect(leaf, assignment, abort)).catch(rethrow),
    },
  };
}
