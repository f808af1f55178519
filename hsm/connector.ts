import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type DetailedPeerCertificate, type SecureContext } from 'node:tls';

/** The far side of one connection. */
export interface Far {
  readonly host: string;
  readonly port: number;
  /** A TCP connection to it that is there already. */
  readonly socket?: Socket;
}

/** What is used of a TLSSocket. Emits `connect`, `secureConnect` and `session`, as that does. */
export interface TlsStream extends Duplex {
  /** The verdict on the certificate of the far side. */
  readonly authorizationError: Error | string | undefined;
  getProtocol(): string | null;
  /** With the certificates that vouch for it. Only where Node does TLS. */
  getPeerCertificate?(detailed: true): DetailedPeerCertificate;
  setNoDelay(noDelay: boolean): unknown;
  destroySoon(): void;
}

/** Makes TLS connections that trust certain CAs, and show a certificate where it has one. */
export interface TlsConnector {
  connect(far: Far): TlsStream;
}

/** TLS by Node. */
export const connectorOf = (secureContext: SecureContext): TlsConnector => ({
  connect: (far) =>
    connect({
      ...far,
      // RFC 6066 section 3: 'Literal IPv4 and IPv6 addresses are not permitted in "HostName".'
      servername: isIP(far.host) ? '' : far.host,
      secureContext,
      // NODE_TLS_REJECT_UNAUTHORIZED=0 must not switch it off.
      rejectUnauthorized: true,
    }) as TlsStream,
});
