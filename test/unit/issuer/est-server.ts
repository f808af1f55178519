import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createSecureContext, type SecureContextOptions, TLSSocket, type TlsOptions } from 'node:tls';
import { createEst, type EstSettings } from '../../../agent/issuer/est.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { Authority, type Identity } from '../../simulator/ca.ts';
import { armored, pkcs7 } from '../certificate/deliver.ts';
import { mint, mintCa } from '../certificate/mint.ts';

export const csr = armored(
  'CERTIFICATE REQUEST',
  Buffer.from('a request of more than forty-eight octets, so that its base64 wraps'),
);
export const PKCS7_TYPE = 'application/pkcs7-mime; smime-type=certs-only';

export const authority = await Authority.create('EST test', 0);
export const server = await authority.serverIdentity(['localhost'], '127.0.0.1');
export const issuer = await mintCa();
export const issued = await mint({ by: issuer });
/** A successful answer with leaf and issuer. */
export const answer = pkcs7(issued, issuer).toString('base64');

/** What one request looked like when it arrived. */
export interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** CN of the client certificate. */
  readonly client: string | undefined;
}

export type Script = (response: ServerResponse, seen: Seen) => void;

export const grant: Script = (response) => void response.writeHead(200, { 'Content-Type': PKCS7_TYPE }).end(answer);
export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Script =>
  (response) =>
    void response.writeHead(code, headers).end(body);

export interface Scripted {
  readonly url: string;
  readonly seen: Seen[];
  readonly https: Server;
}

/** An HTTPS server that answers by a script and is closed with the test. */
export async function serve(t: TestContext, script: Script, tls: TlsOptions = {}): Promise<Scripted> {
  const seen: Seen[] = [];
  const options = { ...server, requestCert: true, rejectUnauthorized: false, ...tls };
  const https = createServer(options, async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    const client =
      request.socket instanceof TLSSocket ? [request.socket.getPeerCertificate()?.subject?.CN].flat()[0] : '';
    const { method, url, headers } = request;
    const arrived = { line: `${method} ${url}`, headers, body: Buffer.concat(chunks).toString(), client };
    seen.push(arrived);
    script(response, arrived);
  });
  https.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    https.closeAllConnections();
    return new Promise((resolve) => https.close(resolve));
  });
  return { url: `https://127.0.0.1:${portOf(https.address())}/.well-known/est`, seen, https };
}

export const portOf = (address: string | AddressInfo | null): number =>
  typeof address === 'object' ? (address?.port ?? 0) : 0;

/** Files that the settings point to, in a folder of the test. */
export function files(t: TestContext, contents: Record<string, string>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'newleaf-est-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return Object.fromEntries(
    Object.entries(contents).map(([name, content]) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return [name, path];
    }),
  );
}

/** Issues against the server; what differs from trust in its CA and a long deadline is given. */
export function issueFrom(
  t: TestContext,
  { url }: { url: string },
  rest: Partial<EstSettings> = {},
  abort = new AbortController().signal,
): Promise<string> {
  const { caFile = '' } = files(t, { caFile: authority.rootPem });
  return createEst({ url, caFile, now: Date.now, deadlineMs: 10_000, maxBytes: 65_536, ...rest }).issue(csr, abort);
}

/** The settings of HTTP Basic. */
export function basic(t: TestContext): Pick<EstSettings, 'username' | 'passwordFile'> {
  const { passwordFile = '' } = files(t, { passwordFile: 'pass:word\n' });
  return { username: 'gw', passwordFile };
}
export const AUTHORIZATION = `Basic ${Buffer.from('gw:pass:word').toString('base64')}`;

/** What the current leaf's key does in the daemon: trust and identity. */
export const connector =
  (identity: Identity, rest: SecureContextOptions = {}) =>
  async (ca: string) =>
    connectorOf(createSecureContext({ ...identity, ca, ...rest }));
