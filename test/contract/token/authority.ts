import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';

/** A CA of openssl's, so that requests and leaves are judged by something else than our own code. */
export interface Authority {
  /** PEM. */
  readonly ca: string;
  /** PEM of a server for localhost. */
  readonly server: { readonly key: string; readonly cert: string; readonly maxVersion?: SecureVersion };
  /** Verifies a request and signs it; PEM. */
  issue(csr: string): string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param parent a directory that the test removes */
export function authority(parent: string): Authority {
  const directory = mkdtempSync(join(parent, 'authority-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test CA', '-days', '2');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '1', '-copy_extensions', 'copyall'];
  openssl(
    'req',
    ...EC,
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  );
  openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.pem');
  return {
    ca: read('ca.pem'),
    server: { key: read('server.key'), cert: read('server.pem') },
    issue: (csr) => {
      writeFileSync(join(directory, 'leaf.csr'), csr);
      openssl('req', '-in', 'leaf.csr', '-verify', '-noout');
      openssl('x509', '-req', '-in', 'leaf.csr', ...sign, '-out', 'leaf.pem');
      return read('leaf.pem');
    },
  };
}

export const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;
