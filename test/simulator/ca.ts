import './reflect.ts';
import { KeyObject, randomBytes, type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

type CryptoKey = webcrypto.CryptoKey;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The keys of a CA, and how it signs. */
export interface Strength {
  readonly namedCurve: 'P-256' | 'P-384';
  readonly hash: 'SHA-256' | 'SHA-384';
}
const P256: Strength = { namedCurve: 'P-256', hash: 'SHA-256' };
/** As certificates that Azure issues are signed. */
export const P384: Strength = { namedCurve: 'P-384', hash: 'SHA-384' };

/** How a leaf is made; what is left out makes an ordinary client leaf. */
export interface IssuePolicy {
  /** Lifetime from now, in milliseconds; negative is a leaf that has expired already. Default 365 days. */
  readonly lifetimeMs?: number;
  /**
   * notBefore lies this far in the past, in milliseconds; negative is a leaf that is not valid yet. Default 5 minutes:
   * Microsoft's own end-to-end tests wait 60 s after minting "to account for clock skew".
   */
  readonly backdateMs?: number;
  /** Instead of the CN of the request. */
  readonly cn?: string;
  /** Default 'client'. */
  readonly eku?: 'client' | 'server' | 'none';
  /** Of every leaf, in hex, instead of a random one. newleaf draws the moment of renewal from it. */
  readonly serial?: string;
  /** Signed with SHA-1. */
  readonly weak?: boolean;
  /** For a key that is not the one of the request. */
  readonly otherKey?: boolean;
  /** When it is issued, in milliseconds since the epoch. Default now. */
  readonly at?: number;
}

export interface Issued {
  readonly leaf: X509Certificate;
  readonly leafPem: string;
  /** PEM: leaf, then the intermediates up to, but without, the root. */
  readonly chainPem: string;
  /** SHA-256 of the DER, upper-case hex. */
  readonly thumbprint: string;
}

/** A private key and its chain, both PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export interface ClientIdentity extends Identity {
  /** SHA-256 of the leaf's DER, upper-case hex. */
  readonly thumbprint: string;
}

interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: CryptoKey;
  readonly strength: Strength;
}

const EKU = { client: [x509.ExtendedKeyUsage.clientAuth], server: [x509.ExtendedKeyUsage.serverAuth], none: [] };

const newKeys = ({ namedCurve } = P256): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
const keyPem = (key: CryptoKey): string => KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
const newSerial = (): string => `5a${randomBytes(15).toString('hex')}`;
const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

async function makeSigner(
  name: string,
  issuer: Signer | undefined,
  strength = issuer?.strength ?? P256,
  notAfter = Date.now() + 20 * 365 * DAY,
): Promise<Signer> {
  const keys = await newKeys(strength);
  return certified(name, { ...keys, strength }, issuer, notAfter);
}

interface SignerKeys extends Pick<Signer, 'strength'> {
  readonly publicKey: x509.PublicKey | CryptoKey;
  readonly privateKey: CryptoKey;
}

async function certified(
  name: string,
  { strength, ...keys }: SignerKeys,
  issuer: Signer | undefined,
  notAfter: number,
): Promise<Signer> {
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - 365 * DAY),
    notAfter: new Date(notAfter),
    publicKey: keys.publicKey,
    signingKey: issuer?.key ?? keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: strength.hash },
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey, strength };
}

/** A certification authority: a root, and as many intermediates below it as wanted; the lowest one signs. */
export class Authority {
  readonly rootPem: string;
  /** The certificate that signs leaves. */
  readonly issuerPem: string;
  /** All intermediates, the issuing one first; empty where the root itself signs. */
  readonly intermediatesPem: string;
  readonly #signer: Signer;
  readonly #path: readonly Signer[];

  private constructor(path: readonly [Signer, ...Signer[]]) {
    const [signer] = path;
    this.#signer = signer;
    this.#path = path;
    this.issuerPem = pem(signer.certificate);
    this.rootPem = pem((path.at(-1) ?? signer).certificate);
    this.intermediatesPem = path
      .slice(0, -1)
      .map(({ certificate }) => pem(certificate))
      .join('');
  }

  /** `intermediates` counts those below the root. */
  static async create(name: string, intermediates = 1, strength = P256): Promise<Authority> {
    let path: [Signer, ...Signer[]] = [await makeSigner(`${name} root`, undefined, strength)];
    for (let level = 1; level <= intermediates; level += 1) {
      path = [await makeSigner(`${name} intermediate ${level}`, path[0]), ...path];
    }
    return new Authority(path);
  }

  /**
   * Another issuing intermediate under the same root: an intermediate that has been rolled.
   * @param notAfter its end, in milliseconds since the epoch; default in 20 years
   */
  async withNewIntermediate(name: string, notAfter?: number): Promise<Authority> {
    const root = this.#path.at(-1) ?? this.#signer;
    return new Authority([await makeSigner(name, root, root.strength, notAfter), root]);
  }

  /** The same issuing CA, with a second certificate for its key: of a new root, and handed out before the one that it has. */
  async crossed(name: string): Promise<Authority> {
    const { certificate, key: privateKey, strength } = this.#signer;
    const root = await makeSigner(name, undefined, strength);
    const keys = { publicKey: certificate.publicKey, privateKey, strength };
    const [, cn = ''] = certificate.subject.split('CN=');
    return new Authority([await certified(cn, keys, root, certificate.notAfter.getTime()), this.#signer, root]);
  }

  /** Every certificate above a leaf, the issuing one first, the root last (DER). */
  get certificates(): Buffer[] {
    return this.#path.map(({ certificate }) => Buffer.from(certificate.rawData));
  }

  /** Whether the certificate carries a signature of the issuing key. Validity is not looked at. */
  signed(certificate: X509Certificate): boolean {
    return certificate.verify(new X509Certificate(this.issuerPem).publicKey);
  }

  /** Signs a PKCS#10 (PEM or DER; EC P-256 or P-384, or RSA). Throws where the request is not signed by its own key. */
  async issue(csr: string | Uint8Array, policy: IssuePolicy = {}, extensions: x509.Extension[] = []): Promise<Issued> {
    const request = new x509.Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) throw new Error('the signature of the certificate request is wrong');
    const cn = policy.cn ?? requestedCn(csr);
    const publicKey = policy.otherKey ? (await newKeys()).publicKey : request.publicKey;
    return this.#sign(cn, publicKey, policy, extensions);
  }

  /** A server key and chain whose SAN holds exactly these DNS names and the address 127.0.0.1, or only the names. */
  async serverIdentity(names: readonly string[], address?: string): Promise<Identity> {
    const keys = await newKeys();
    const san = new x509.SubjectAlternativeNameExtension([
      ...names.map((value) => ({ type: 'dns' as const, value })),
      ...(address === undefined ? [] : [{ type: 'ip' as const, value: address }]),
    ]);
    const { chainPem } = await this.#sign(names[0] ?? 'server', keys.publicKey, { eku: 'server' }, [san]);
    return { key: keyPem(keys.privateKey), cert: chainPem };
  }

  /** A client key in a file, with its chain: for tests without a token, and for the bootstrap identity. */
  async clientIdentity(cn: string, policy: IssuePolicy = {}): Promise<ClientIdentity> {
    const keys = await newKeys();
    const { chainPem, thumbprint } = await this.#sign(policy.cn ?? cn, keys.publicKey, policy, []);
    return { key: keyPem(keys.privateKey), cert: chainPem, thumbprint };
  }

  /** Proof of possession: a certificate (PEM) with this CN, signed by the root, or by the intermediate that issues. */
  async proof(code: string, by: 'root' | 'intermediate'): Promise<string> {
    const signer = by === 'root' ? this.#path.at(-1) : this.#signer;
    return (await new Authority([signer ?? this.#signer]).clientIdentity(code)).cert;
  }

  async #sign(
    cn: string,
    publicKey: x509.PublicKey | CryptoKey,
    {
      lifetimeMs = 365 * DAY,
      backdateMs = 5 * MINUTE,
      eku = 'client',
      weak = false,
      serial = newSerial(),
      at: now = Date.now(),
    }: IssuePolicy,
    extensions: x509.Extension[],
  ): Promise<Issued> {
    const notAfter = now + lifetimeMs;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject: new x509.Name([{ CN: [cn] }]),
      issuer: this.#signer.certificate.subject,
      notBefore: new Date(Math.min(now - backdateMs, notAfter - MINUTE)),
      notAfter: new Date(notAfter),
      publicKey,
      signingKey: this.#signer.key,
      signingAlgorithm: { name: 'ECDSA', hash: weak ? 'SHA-1' : this.#signer.strength.hash },
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        ...(eku === 'none' ? [] : [new x509.ExtendedKeyUsageExtension(EKU[eku])]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#signer.certificate),
        ...extensions,
      ],
    });
    const leaf = new X509Certificate(Buffer.from(certificate.rawData));
    const leafPem = pem(certificate);
    return { leaf, leafPem, chainPem: leafPem + this.intermediatesPem, thumbprint: thumbprintOf(leaf) };
  }
}

/** The CN that a PKCS#10 asks for. Throws where the request cannot be read, or names none. */
export function requestedCn(csr: string | Uint8Array): string {
  const [cn] = new x509.Pkcs10CertificateRequest(csr).subjectName.getField('CN');
  if (cn === undefined) throw new Error('the certificate request names no CN');
  return cn;
}

/** A PKCS#7 that holds certificates only (RFC 5272 section 4.1), as EST sends them; DER in and out. */
export function certsOnly(certificates: readonly Uint8Array[]): Buffer {
  const bag = new x509.X509Certificates(certificates.map((der) => new x509.X509Certificate(der)));
  return Buffer.from(bag.export('raw'));
}

/** SHA-256 of the DER, 64 upper-case hex digits. */
export function thumbprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '');
}
