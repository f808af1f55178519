import { randomBytes, X509Certificate } from 'node:crypto';
import { thumbprintOf } from './ca.ts';
import { commonName, signedBy } from './presented.ts';

interface Uploaded {
  readonly certificate: X509Certificate;
  /** What the proof of possession must carry as its CN. */
  readonly code: string;
  readonly verified: boolean;
}

/**
 * The CA certificates of a DPS instance, which groups refer to by name. In Azure they are managed by Resource Manager,
 * not by the service API, so there is no REST for them here.
 */
export class VerifiedCas {
  readonly #uploaded = new Map<string, Uploaded>();

  /** Adds or replaces a certificate (PEM), not verified yet. Gives the verification code. */
  upload(name: string, pem: string): string {
    const code = randomBytes(24).toString('hex').toUpperCase();
    this.#uploaded.set(name, { certificate: new X509Certificate(pem), code, verified: false });
    return code;
  }

  /** Adds a certificate (PEM) that is verified on upload (`az iot dps certificate create --verified`), named by its hash. */
  trust(pem: string): void {
    const certificate = new X509Certificate(pem);
    this.#uploaded.set(thumbprintOf(certificate), { certificate, code: '', verified: true });
  }

  /** Proof of possession: a certificate (PEM) whose CN is the code, signed by the CA (how-to-verify-certificates). */
  verify(name: string, proofPem: string): void {
    const uploaded = this.#get(name);
    const proof = new X509Certificate(proofPem);
    if (commonName(proof) !== uploaded.code) {
      throw new Error(`the proof for "${name}" has the CN ${commonName(proof)}, the code is ${uploaded.code}`);
    }
    if (!signedBy(proof, uploaded.certificate)) throw new Error(`the proof for "${name}" was not signed by it`);
    this.#uploaded.set(name, { ...uploaded, verified: true });
  }

  /** Groups that refer to it let nobody in any more. */
  remove(name: string): void {
    this.#get(name);
    this.#uploaded.delete(name);
  }

  verified(name: string): boolean {
    return this.#uploaded.get(name)?.verified ?? false;
  }

  /** Whether this certificate is verified, under whatever name. */
  holds({ raw }: X509Certificate): boolean {
    return this.#verified().some((certificate) => certificate.raw.equals(raw));
  }

  /** Whether a verified certificate is the issuer of this one. */
  issued(certificate: X509Certificate): boolean {
    return this.#verified().some((issuer) => signedBy(certificate, issuer));
  }

  /** The verified certificates, primary first. */
  referredToBy({ primary, secondary }: { readonly primary?: string; readonly secondary?: string }): X509Certificate[] {
    return [primary, secondary].flatMap((name) => {
      const uploaded = name === undefined ? undefined : this.#uploaded.get(name);
      return uploaded?.verified ? [uploaded.certificate] : [];
    });
  }

  #verified(): X509Certificate[] {
    return [...this.#uploaded.values()].flatMap(({ verified, certificate }) => (verified ? [certificate] : []));
  }

  #get(name: string): Uploaded {
    const uploaded = this.#uploaded.get(name);
    if (uploaded === undefined) throw new Error(`no CA "${name}" was uploaded`);
    return uploaded;
  }
}
