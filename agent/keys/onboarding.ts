import { X509Certificate } from 'node:crypto';
import type { TlsConnector } from '../../hsm/connector.ts';
import { tokenErrorOf } from '../../hsm/engine.ts';
import type { Identity } from '../../hsm/tls.ts';
import type { Token } from '../../hsm/token.ts';
import { type Failure, Fault, failure } from '../failure/failure.ts';
import { foreign } from '../failure/foreign.ts';
import { readAuthorities, readNamed } from '../machine/named-file.ts';
import { identityInToken } from './bootstrap.ts';

/** The identity for DPS where Azure issues the leaves: no hub ever sees it, and newleaf never destroys its key. */
export interface OnboardingOptions {
  readonly token: Pick<Token, 'findByUri' | 'certificates'>;
  /** PKCS#11 URI. */
  readonly key: string;
  /** PEM file; without it, the certificate object beside the key. */
  readonly certificate?: string | undefined;
  readonly caFile: string;
}

export interface OnboardingLeaf {
  /** SHA-256 of the DER: 64 upper-case hex digits. */
  readonly thumbprint: string;
  /** Its whole name. */
  readonly issuer?: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** @throws Fault NL-ONBOARDING-KEY, -LEAF, NL-CONFIG; TokenError */
export async function onboardingIdentity(options: OnboardingOptions): Promise<Identity & OnboardingLeaf> {
  const { certificate } = options;
  const chain = certificate === undefined ? undefined : await onboardingPem(certificate);
  const identity = await withChain(options, chain);
  return { ...identity, ...leafOf(identity.chain, certificate) };
}

/** The text of its file. @throws Fault NL-CONFIG; NL-ONBOARDING-LEAF where there is no such file */
export async function onboardingPem(file: string): Promise<string> {
  try {
    return await readNamed('onboarding.certificate', file);
  } catch (error) {
    const { code } = ((error as Fault).cause ?? {}) as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error;
    const message = `There is no onboarding certificate yet: ${file}.`;
    throw new Fault('NL-ONBOARDING-LEAF', { message, advice: BRING });
  }
}

const BRING =
  'Have the CSR of `newleaf csr --onboarding` signed by a CA that is enrolled in DPS, then: `newleaf install --onboarding FILE`';

/** The key with this certificate; without one, with that beside it in the token. @throws the same */
export async function withChain(
  { token, key, caFile }: OnboardingOptions,
  chain: string | undefined,
): Promise<Identity> {
  const ca = await readAuthorities('trust.ca_file', caFile);
  return identityInToken(token, key, chain, ca).catch(rethrown);
}

function leafOf(chain: string, file: string | undefined): OnboardingLeaf {
  try {
    const leaf = new X509Certificate(chain);
    const [notBefore, notAfter] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
    return {
      thumbprint: leaf.fingerprint256.replaceAll(':', ''),
      issuer: foreign(leaf.issuer).replaceAll('\n', ', '),
      notBefore,
      notAfter,
    };
  } catch (cause) {
    const place = file ?? 'the token, beside the key that onboarding.key names';
    throw new Fault('NL-ONBOARDING-LEAF', { message: `There is no certificate in ${place}.`, cause });
  }
}

/** TLS with it. @throws the same */
export async function onboardingConnector(
  options: OnboardingOptions,
  connect: (identity: Identity) => Promise<TlsConnector>,
): Promise<TlsConnector> {
  const { id, chain, ca } = await onboardingIdentity(options);
  return connect({ id, chain, ca }).catch(rethrown);
}

/**
 * An error that was met with this identity, also in a handshake. "The key is not in the token" is said of the current leaf
 * elsewhere, and has it replaced.
 */
export function onboardingErrorOf(error: unknown): unknown {
  const met = tokenErrorOf(error);
  if (met?.kind !== 'key') return met ?? error;
  const isOther = met.code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
  return new Fault(isOther ? 'NL-ONBOARDING-LEAF' : 'NL-ONBOARDING-KEY', { cause: met });
}

const rethrown = (error: unknown): never => {
  throw onboardingErrorOf(error);
};

/** What DPS says of the onboarding identity, where the table speaks of a leaf. */
export function ofOnboarding(
  error: unknown,
  { thumbprint, notAfter }: Pick<OnboardingLeaf, 'thumbprint' | 'notAfter'>,
  now: number,
): unknown {
  if (!(error instanceof Fault)) return error;
  const { code, cause, retryAfterMs } = error.failure;
  const isOver = notAfter <= now && (error.failure.kind === 'refused' || code === 'NL-DPS-UNREACHABLE');
  if (isOver) {
    const message = `The onboarding certificate has expired (${new Date(notAfter).toISOString()}), and DPS does not accept it.`;
    return new Fault('NL-ONBOARDING-EXPIRED', { message, cause });
  }
  const words = WORDS[code];
  if (words === undefined) return error;
  const message = words.message.replace('THUMBPRINT', thumbprint);
  return new Fault(code, { ...words, message, cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

export const NOT_ENROLLED =
  'Operator: enroll the onboarding certificate or its issuer, or enable the enrollment; then `newleaf reprovision`.';

const WORDS: Readonly<Record<string, { readonly message: string; readonly advice: string }>> = {
  'NL-DPS-401002': {
    message:
      'DPS does not accept the onboarding certificate (THUMBPRINT): neither it nor one of its issuers is enrolled.',
    advice: NOT_ENROLLED,
  },
  'NL-DPS-REJECTED': {
    message:
      'DPS refused the MQTT connection (CONNACK 2, 4 or 5): the CN of the onboarding certificate and dps.registration_id differ, or DPS does not know issuer.azure.dps_api_version.',
    advice: 'Operator: `newleaf check` tells which of them; correct it, then restart newleaf.',
  },
};

/** A person needs months for another one: the factory may be far away. */
const EARLY_MS = 90 * 86_400_000;
const EARLY_SHARE = 1 / 3;

/** What is to be told of its end; undefined while that is far off. */
export function endOf(
  { notBefore, notAfter }: Pick<OnboardingLeaf, 'notBefore' | 'notAfter'>,
  now: number,
): Failure | undefined {
  if (now >= notAfter) return failure('NL-ONBOARDING-EXPIRED');
  if (now < notAfter - Math.min(EARLY_MS, (notAfter - notBefore) * EARLY_SHARE)) return undefined;
  const message = `The onboarding certificate ends at ${new Date(notAfter).toISOString()}: after that DPS accepts it no more.`;
  return failure('NL-ONBOARDING-EXPIRING', { message });
}
