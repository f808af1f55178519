import type { SecureContext } from 'node:tls';
import type { Identity } from '../../../hsm/tls.ts';
import type { X509Config } from '../../config/config.ts';
import { bootstrapWith, identityInToken } from '../../issuer/bootstrap.ts';
import type { Apart } from './apart/apart.ts';
import type { Site } from './site.ts';

export interface BootstrapParts {
  readonly config: X509Config;
  /** PEM: the CAs of the EST server. */
  readonly ca: string;
  readonly text: Site['text'];
  /** The process that has logged in to the token. */
  readonly opened: () => Promise<Apart>;
}

/**
 * The bootstrap identity as the daemon has it; with a key in the token, for the process that has logged in.
 * @throws Fault NL-CONFIG, NL-TOKEN-…; Error of OpenSSL for files that do not fit
 */
export async function bootstrapOf({ config, ca, text, opened }: BootstrapParts): Promise<Identity | SecureContext> {
  const { bootstrap_cert: certificate = '', bootstrap_key: key = '' } =
    config.issuer.kind === 'est' ? config.issuer : {};
  const inToken = async (uri: string, chain: string | undefined) => {
    const apart = await opened();
    const token = {
      findByUri: (named: string) => apart.ask('findByUri', named),
      certificates: (id: string) => apart.ask('certificates', id),
    };
    return identityInToken(token, uri, chain, ca);
  };
  return bootstrapWith({ certificate, key }, ca, inToken, text);
}
