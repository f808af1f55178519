import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { Endpoints } from '../simulator/api.ts';
import type { Identity } from '../simulator/ca.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly body?: string;
  readonly identity?: Identity;
  readonly basic?: boolean;
}

/** One EST request over plain https. */
export function askEst(endpoints: Endpoints, operation: string, { body, identity, basic }: Ask = {}): Promise<Answer> {
  const { est, estCaPem, estUsername, estPassword } = endpoints;
  return new Promise((resolve, reject) => {
    const call = request(`${est}/${operation}`, {
      method: body === undefined ? 'GET' : 'POST',
      ca: estCaPem,
      agent: false,
      headers: { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' },
      ...identity,
      ...(basic && { auth: `${estUsername}:${estPassword}` }),
    });
    call.once('error', reject);
    call.once('response', async (response) => {
      const chunks: Buffer[] = await response.toArray();
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
    });
    call.end(body);
  });
}

const openssl = (args: string[], input: string): string =>
  execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });

/** Base64 of a PKCS#10 in lines of 64, made by openssl. */
export function csr(cn: string): string {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const made = openssl(['req', '-new', ...key, '-subj', `/CN=${cn}`], '');
  return made.replaceAll(/-----.*-----\n/g, '');
}

/** The certificates in a base64 PKCS#7, as openssl reads them. */
export function certificatesIn(body: string): X509Certificate[] {
  const pem = `-----BEGIN PKCS7-----\n${body}-----END PKCS7-----\n`;
  const text = openssl(['pkcs7', '-print_certs'], pem);
  return [...text.matchAll(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g)].map(
    ([found]) => new X509Certificate(found),
  );
}
