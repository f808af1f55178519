import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import type { Log } from '../../machine/log.ts';
import { readRegular, writeAtomically } from '../../state/durable.ts';
import { certify, keyId, subtree } from './certify.ts';
import type { Credentials } from './listener.ts';

interface LocalCaOptions {
  readonly directory: string;
  /** Host name and configured addresses; those of loopback come by themselves. */
  readonly names: readonly string[];
  /** Wall clock, milliseconds since the epoch. It may be wrong. */
  readonly now: () => number;
  /** No clock before it is right: the build date. Lifetimes are counted from here where the clock is. */
  readonly earliest: number;
  readonly log: Log;
}

/** The CA of this gateway, which vouches for the TLS port to the programs, and for nothing else. */
export interface LocalCa {
  /** For the programs to trust. */
  readonly caPem: string;
  /**
   * What the TLS port shows; asked at each connection. Another object once it has been renewed. Its key is on no disk: each start
   * makes another one, as nothing depends on a certain leaf.
   */
  credentials(): Credentials;
}

const DAY_MS = 86_400_000;
const CA_MS = 20 * 365.25 * DAY_MS;
const LEAF_MS = 365 * DAY_MS;
/** Where the source runs unbuilt there is no build date, and a CA made in 1970 would end in 1990: it is never replaced. */
const SURELY_PAST = Date.parse('2026-01-01');
/** 2.5.29.30 in DER. */
const NAME_CONSTRAINTS = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Key and certificate in one file: a power cut between two files would leave a pair that does not match. */
const CA_FILE = 'ca.key';
const PRIVATE = 0o600;

interface Pair {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/**
 * Opens the CA, and makes it where there is none. A clock that is wrong at that moment does no harm: both certificates are valid
 * from 1970 on, the CA for 20 years from the build date at least; a leaf that has been made too early is renewed as soon as the
 * clock is right.
 * @throws Fault NL-UPLINK-SOCKET for a CA that cannot be read: a new one would be unknown to every program; NL-STATE-WRITE
 */
export async function openLocalCa({ directory, names, now, earliest, log }: LocalCaOptions): Promise<LocalCa> {
  const all = [...new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())])];
  const moment = () => Math.max(now(), earliest, SURELY_PAST);
  const ca = (await readCa(directory)) ?? (await makeCa(directory, all, moment()));
  const wanted = namesUnder(ca, all);
  if (wanted.length < all.length) {
    const others = all.filter((name) => !wanted.includes(name)).join(', ');
    const message = `The CA of the TLS port may not vouch for ${others}: programs must connect to another name.`;
    const advice = `Remove ${join(directory, CA_FILE)}, restart newleaf, and give the new CA to each program with a key.`;
    log.warn({ event: 'uplink-ca', message, advice });
  }
  const caPem = `${ca.certificate.toString().trimEnd()}\n`;
  const fresh = () => {
    const notAfter = Math.min(moment() + LEAF_MS, Date.parse(ca.certificate.validTo));
    const leaf = pairOf(makePair(wanted, notAfter, ca));
    return { leaf, shown: { cert: `${leaf.certificate.toString()}${caPem}`, key: pemOf(leaf.key) } };
  };
  let current = fresh();
  return {
    caPem,
    credentials() {
      if (!isYoung(current.leaf, ca, moment())) current = fresh();
      return current.shown;
    },
  };
}

async function readCa(directory: string): Promise<Pair | undefined> {
  const path = join(directory, CA_FILE);
  try {
    const ca = pairOf(await readRegular(path));
    if (!ca.certificate.verify(ca.certificate.publicKey)) throw new Error('the certificate is not signed by its key');
    return ca;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('NL-UPLINK-SOCKET', {
      message: `The CA of the TLS port cannot be read from ${path}.`,
      advice:
        'Restore the file from a backup. Or remove it: a new CA is made, and each program must get the new ca.pem.',
      cause,
    });
  }
}

async function makeCa(directory: string, names: readonly string[], now: number): Promise<Pair> {
  const text = makePair(names, now + CA_MS);
  await writeAtomically(join(directory, CA_FILE), text, PRIVATE);
  return pairOf(text);
}

/** A key of its own, and its certificate. @param ca which signs it; undefined for a CA, which signs itself */
function makePair(names: readonly string[], notAfter: number, ca?: Pair): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // RFC 5280 section 4.2.1.1: CAs of several gateways may lie in one store, and are told apart by their names, too.
  const subject = ca === undefined ? `newleaf uplink ${keyId(publicKey).toString('hex', 0, 4)}` : 'newleaf uplink';
  const issuer =
    ca === undefined
      ? { subject, publicKey, privateKey }
      : {
          subject: ca.certificate.subject.replace(/^CN=/, ''),
          publicKey: ca.certificate.publicKey,
          privateKey: ca.key,
        };
  const certificate = certify({ subject, publicKey, issuer, notAfter, names, isCa: ca === undefined });
  return `${pemOf(privateKey)}${certificate}`;
}

/** A leaf with a name that its CA may not vouch for is refused for each of its names. A CA of before has no such bounds. */
function namesUnder(ca: Pair, names: readonly string[]): readonly string[] {
  const { raw } = ca.certificate;
  if (!raw.includes(NAME_CONSTRAINTS)) return names;
  return names.filter((name) => raw.includes(subtree(name)));
}

/** @throws Error where key and certificate do not belong together */
function pairOf(text: string): Pair {
  const key = createPrivateKey(text);
  const certificate = new X509Certificate(text);
  if (!certificate.checkPrivateKey(key)) throw new Error('the key is not that of the certificate');
  return { key, certificate };
}

const pemOf = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));

/** With a third of its life left, or as old as the CA lets it be: else it is renewed. */
function isYoung({ certificate }: Pair, ca: Pair, now: number): boolean {
  return Date.parse(certificate.validTo) - now > LEAF_MS / 3 || certificate.validTo === ca.certificate.validTo;
}
