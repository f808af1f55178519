import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TlsConnector, TlsStream } from '../../hsm/connector.ts';
import { Fault } from '../failure/failure.ts';
import { writeIfOther } from '../state/durable.ts';

export const fewFile = (directory: string): string => join(directory, 'authorities.pem');

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** DPS and hub may have a root each, and each may change. */
const KEPT = 4;

/** DPS and hub may be met in the same moment: their notes are written one after the other. */
let writing: Promise<void> = Promise.resolve();

const certificatesIn = (pem: string): readonly string[] => pem.match(CERTIFICATES) ?? [];
const derOf = (certificate: string): string => certificate.replace(/-----[^-]+-----|\s/g, '');

/**
 * Of the CAs that may vouch for DPS and hubs, those that have done so last time. OpenSSL reads all 146 of a Debian for each
 * context: 35 ms and 1.0 MiB with Node 20.20, 9 ms and 1.6 MiB with Node 24.21.
 *
 * Nothing else is trusted than what `trust.ca_file` has now. Where the few do not vouch for a server, all are asked.
 */
export class FewAuthorities {
  readonly #path: string;
  /** What the process before has noted. */
  #noted: Promise<readonly string[]> | undefined;
  #isNarrow = false;
  #isWide = false;

  /** @param directory the state directory */
  constructor(directory: string) {
    this.#path = fewFile(directory);
  }

  /** @param pem the CAs of `trust.ca_file` @returns those that are enough; all where that is not known */
  async of(pem: string): Promise<string> {
    this.#noted ??= readFile(this.#path, 'utf8').then(certificatesIn, () => []);
    const few = (await this.#noted).filter((certificate) => pem.includes(certificate));
    if (this.#isWide || few.length === 0) return pem;
    this.#isNarrow = true;
    return `${few.join('\n')}\n`;
  }

  /** Notes the CAs that vouch for the servers of this connector. @param pem the CAs of `trust.ca_file` */
  noting(connector: TlsConnector, pem: string): TlsConnector {
    // What the few vouch for is noted.
    if (this.#isNarrow && !this.#isWide) return connector;
    return {
      connect: (far) => {
        const stream = connector.connect(far);
        stream.once('secureConnect', () => {
          const chain = new Set(chainOf(stream));
          // A disk that takes no note costs a quick start, and nothing else.
          writing = writing.then(() => this.#note(chain, pem)).catch(() => {});
        });
        return stream;
      },
    };
  }

  /** Works with the few; once more with all, where a server is not trusted. */
  async enough<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isUntrusted = error instanceof Fault && error.failure.code.endsWith('-UNTRUSTED');
      if (!isUntrusted || !this.#isNarrow || this.#isWide) throw error;
      this.#isWide = true;
      return await work();
    }
  }

  async #note(chain: ReadonlySet<string>, pem: string): Promise<void> {
    const all = certificatesIn(pem);
    const found = all.filter((certificate) => chain.has(derOf(certificate)));
    const noted = certificatesIn(await readFile(this.#path, 'utf8').catch(() => ''));
    const isNews = found.some((certificate) => !noted.includes(certificate));
    if (!isNews || found.length === all.length) return;
    const kept = [...new Set([...found, ...noted])].filter((certificate) => all.includes(certificate)).slice(0, KEPT);
    await writeIfOther(this.#path, `${kept.join('\n')}\n`, 0o644);
  }
}

/** The certificates of the server and of all that vouch for it, the root last: DER in base64. */
function* chainOf(stream: TlsStream): Generator<string> {
  let certificate = stream.getPeerCertificate?.(true);
  while (certificate?.raw !== undefined) {
    yield certificate.raw.toString('base64');
    const { issuerCertificate: issuer } = certificate;
    // A root is its own issuer.
    certificate = issuer === certificate ? undefined : issuer;
  }
}
