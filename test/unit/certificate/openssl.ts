import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { judgedChain } from '../../../hsm/rehearse.ts';

/** What OpenSSL says to a leaf whose key is in a file: PEM. */
export const opensslSays = (key: string, chain: string, anchor: string): Promise<string | undefined> =>
  judgedChain(async (ca) => connectorOf(createSecureContext({ key, cert: chain, ca })), anchor);

export const read = (pem: string): X509Certificate[] => certificatesOf(pem).map((der) => new X509Certificate(der));
