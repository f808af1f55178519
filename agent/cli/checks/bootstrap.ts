import { createSecureContext, type SecureContext } from 'node:tls';
import type { Identity } from '../../../hsm/tls.ts';
import type { X509Config } from '../../config/config.ts';
import { certificatePem } from '../../issuer/pem.ts';
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

const isUri = (place: string) => place.startsWith('pkcs11:');

/**
 * The bootstrap identity as agent/assembly/issuers.ts has it: in files, or with a key in the token.
 * @throws Fault NL-CONFIG, NL-TOKEN-…; Error of OpenSSL for files that do not fit
 */
export async function bootstrapOf({ config, ca, text, opened }: BootstrapParts): Promise<Identity | SecureContext> {
  const { bootstrap_cert = '', bootstrap_key = '' } = config.issuer.kind === 'est' ? config.issuer : {};
  const cert = isUri(bootstrap_cert) ? undefined : await text('issuer.est.bootstrap_cert', bootstrap_cert);
  if (!isUri(bootstrap_key)) {
    const key = await text('issuer.est.bootstrap_key', bootstrap_key);
    return createSecureContext({ ca, cert, key, minVersion: 'TLSv1.2' });
  }
  const token = await opened();
  const { id } = await token.ask('findByUri', bootstrap_key);
  const chain = cert ?? (await token.ask('certificates', id)).map(certificatePem).join('');
  return { id, chain, ca };
}
