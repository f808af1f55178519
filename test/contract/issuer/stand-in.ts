import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { oid, sequence, set, tlv } from '../../../hsm/der.ts';
import type { Identity } from '../../simulator/ca.ts';
import { armored } from '../../unit/certificate/deliver.ts';
import type { Delivered } from './wish.ts';

export const CERTS_ONLY = 'application/pkcs7-mime; smime-type=certs-only';

export interface StandIn {
  /** Ends every connection at once, and frees the port. */
  close(): Promise<void>;
}

/** An HTTPS server in the place of an EST server, that does what no EST server can be told to do. */
export async function standIn(
  port: number,
  identity: Identity,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<StandIn> {
  const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: false }, answer);
  server.on('tlsClientError', () => {}).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The request in the body of an enrolment, PEM. */
export async function csrIn(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = await request.toArray();
  return armored('CERTIFICATE REQUEST', Buffer.from(Buffer.concat(chunks).toString('latin1'), 'base64'));
}

/** A degenerate SignedData around whatever is given (RFC 5652 section 5.1), base64. */
export function certsOnly(delivered: Delivered): string {
  const version = tlv(0x02, Buffer.of(1));
  const content = sequence(oid('1.2.840.113549.1.7.1'));
  const signedData = sequence(version, set(), content, tlv(0xa0, ...delivered), set());
  return sequence(oid('1.2.840.113549.1.7.2'), tlv(0xa0, signedData)).toString('base64');
}
