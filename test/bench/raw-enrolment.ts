import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { certificatePem } from '../../agent/certificate/pem.ts';
import { certificatesIn } from '../../agent/certificate/pkcs7.ts';
import { direct } from '../../agent/network/through.ts';
import type { TlsConnector } from '../../hsm/connector.ts';

/** simplereenroll, and the CA certificates that its answer leaves out (RFC 7030 section 4.2.3). Returns the chain. */
export async function rawEnrolment(est: string, csrPem: string, tls: TlsConnector): Promise<string> {
  const base64 = csrPem.replaceAll(/-----.*-----\n/g, '');
  const issued = await ask(`${est}/simplereenroll`, tls, base64);
  const issuers = await ask(`${est}/cacerts`, tls);
  return [...issued, ...issuers].map(certificatePem).join('');
}

async function ask(url: string, tls: TlsConnector, body?: string): Promise<readonly Buffer[]> {
  const asked = request(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' },
    createConnection: direct((far) => tls.connect(far)),
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${text}`);
  return certificatesIn(Buffer.from(text, 'base64'));
}
