import type { X509Certificate } from 'node:crypto';
import { type Code, Fault } from '../failure/failure.ts';
import { extensionsOf, pathLengthOf } from './der.ts';
import { named } from './name.ts';

/** The clock of newleaf has judged the time: OpenSSL has no other. */
const OF_TIME = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';
const NAME_CONSTRAINTS = '2.5.29.30';

/** Those that OpenSSL 3 obeys where they are critical (X509_supported_extension, v3_purp.c), but for netscape's and those of proxies. */
const OBEYED = new Set([
  '2.5.29.15', // keyUsage
  '2.5.29.17', // subjectAltName
  '2.5.29.19', // basicConstraints
  NAME_CONSTRAINTS,
  '2.5.29.31', // cRLDistributionPoints
  '2.5.29.32', // certificatePolicies
  '2.5.29.33', // policyMappings
  '2.5.29.36', // policyConstraints
  '2.5.29.37', // extKeyUsage
  '2.5.29.54', // inhibitAnyPolicy
]);

type Reason = readonly [words: string, advice: string, code?: Code];

/**
 * The refusal of a chain that OpenSSL does not accept. Node has no name for most of its reasons (UNSPECIFIED): they are looked for
 * here.
 * @param code by which Node calls what is wrong
 * @param chain leaf first, up to the certificate at the top
 * @returns undefined where only the time is wrong
 */
export function unaccepted(code: string, chain: readonly X509Certificate[]): Fault | undefined {
  if (OF_TIME.has(code)) return undefined;
  const [words, advice, kind = 'NL-LEAF-CHAIN'] = found(code, chain) ?? [
    `OpenSSL does not accept this chain (${code}).`,
    'Operator of the CA: let OpenSSL verify what was delivered, for the purpose sslclient.',
  ];
  return new Fault(kind, { message: words, advice, cause: code });
}

/** The extended key usage, where it does not allow clientAuth. */
export function otherUseOf({ keyUsage }: X509Certificate): string | undefined {
  const extended: string[] | undefined = keyUsage; // node's name for the EXTENDED key usage
  const isOther = extended !== undefined && !extended.includes(CLIENT_AUTH) && !extended.includes(ANY_USAGE);
  return isOther ? extended.join(', ') : undefined;
}

function found(code: string, chain: readonly X509Certificate[]): Reason | undefined {
  try {
    return reasonIn(code, chain);
  } catch {
    return undefined; // what OpenSSL does not accept may be no DER either
  }
}

function reasonIn(code: string, chain: readonly X509Certificate[]): Reason | undefined {
  for (const [at, ca] of chain.entries()) {
    const name = named(ca);
    const anew = (what: string) => `Operator of the CA: renew the certificate of ${name}, ${what}.`;
    const allowed = pathLengthOf(ca);
    if (code === 'PATH_LENGTH_EXCEEDED' && allowed !== undefined && at - 1 > allowed) {
      const words = `Expected at most ${allowed} CAs between ${name} and the leaf (pathlen); there are ${at - 1}.`;
      return [words, anew('with a larger pathlen, or issue the leaf higher up')];
    }
    const other = otherUseOf(ca);
    if (code === 'INVALID_PURPOSE' && other !== undefined) {
      const words = `Expected the extended key usage of ${name} to allow clientAuth (${CLIENT_AUTH}); it allows ${other}.`;
      return [words, anew('with clientAuth, or without an extended key usage'), 'NL-LEAF-EKU'];
    }
    const unknown = extensionsOf(ca).find(({ oid, isCritical }) => isCritical && !OBEYED.has(oid));
    if (code === 'UNSPECIFIED' && unknown !== undefined) {
      const words = `${name} has the critical extension ${unknown.oid}, which OpenSSL does not know.`;
      return [words, 'Operator of the CA: leave that extension out, or mark it as not critical.'];
    }
  }
  const constrained = chain.find((one) => extensionsOf(one).some(({ oid }) => oid === NAME_CONSTRAINTS));
  if (code !== 'UNSPECIFIED' || constrained === undefined) return undefined;
  const name = named(constrained);
  const words = `${name} has name constraints, and the leaf or a CA below it has a name that they do not allow.`;
  return [words, `Operator of the CA: have ${name} allow the names of this leaf, or issue it by another CA.`];
}
