import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { certificatePem } from '../../agent/issuer/pem.ts';
import { certificatesIn } from '../../agent/issuer/pkcs7.ts';

type Tls = Pick<ConnectionOptions, 'secureContext'>;

/** simplereenroll, and the CA certificates that its answer leaves out (RFC 7030 section 4.2.3). Returns the chain. */
export async function rawEnrolment(est: string, csrPem: string, secureContext: SecureContext): Promise<string> {
  const base64 = csrPem.replaceAll(/-----.*-----\n/g, '');
  const issued = await ask(`${est}/simplereenroll`, { secureContext }, base64);
  const issuers = await ask(`${est}/cacerts`, { secureContext });
  return [...issued, ...issuers].map(certificatePem).join('');
}

async function ask(url: string, tls: Tls, body?: string): Promise<readonly Buffer[]> {
  const asked = request(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' },
    agent: false,
    ...tls,
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${text}`);
  return certificatesIn(Buffer.from(text, 'base64'));
}
