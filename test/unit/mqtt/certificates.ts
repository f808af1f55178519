import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { connectorOf, type TlsConnector } from '../../../hsm/connector.ts';

/** A certificate and its private key, both PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** The server's names in these tests. */
export const LOOPBACK = 'DNS:localhost,IP:127.0.0.1';

/** A CA made by openssl for one test file, in a directory that goes with the process. */
export class TestCa {
  readonly cert: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-ca-'));
  #issued = 0;

  constructor() {
    process.once('exit', () => rmSync(this.#directory, { recursive: true }));
    this.#request('ca', 'test root', []);
    this.cert = this.#read('ca.pem');
  }

  /** A certificate of this CA. Without `names` it has no subjectAltName. */
  issue(cn: string, names?: string, days = 1): Identity {
    this.#issued += 1;
    const file = `${this.#issued}`;
    const extensions = names === undefined ? [] : ['-addext', `subjectAltName=${names}`];
    this.#request(file, cn, ['-CA', 'ca.pem', '-CAkey', 'ca.key', ...extensions], days);
    return { cert: this.#read(`${file}.pem`), key: this.#read(`${file}.key`) };
  }

  /** What `connectorFor` gives in these tests: a leaf with a key from a file, and this CA as the only one. */
  connector(leaf: Identity): TlsConnector {
    return connectorOf(createSecureContext({ ca: this.cert, cert: leaf.cert, key: leaf.key }));
  }

  #request(file: string, cn: string, more: readonly string[], days = 1): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${file}.key`];
    const options = ['-x509', ...key, '-out', `${file}.pem`, '-subj', `/CN=${cn}`, '-days', `${days}`, ...more];
    execFileSync('openssl', ['req', ...options], { cwd: this.#directory, stdio: 'ignore' });
  }

  #read(file: string): string {
    return readFileSync(join(this.#directory, file), 'latin1');
  }
}

/** A leaf as the ports know it; only the thumbprint matters to the adapters. */
export const leafNamed = (thumbprint: string): Leaf => ({
  key: { slot: 'a', id: '01' },
  chain: '',
  thumbprint,
  cn: 'gw-0001',
  serial: '01',
  issuer: 'test root',
  notBefore: 0,
  notAfter: 0,
});
