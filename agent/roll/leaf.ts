/** Where a private key of ours lives: slot `a` or `b` (object labels `newleaf-a`, `newleaf-b`), or `given`: it was in the token before us and is never destroyed. */
export type Slot = 'a' | 'b' | 'given';

/** One generation of a key. Every generation has a fresh random CKA_ID, so a cached handle can never mean another key. */
export interface KeyRef {
  readonly slot: Slot;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
}

/**
 * An end-entity certificate with its chain, and its key in the token.
 *
 * With attestation by a TPM there is none, and the machine does the same with its substitute: the endorsement key, which was
 * there before us (`given`), never ends, and is never destroyed. See `endorsed`.
 */
export interface Leaf {
  readonly key: KeyRef;
  /** PEM, leaf first, then its intermediates. */
  readonly chain: string;
  /** Likewise, by other certificates of its CAs: DPS may know the top of one of these only. */
  readonly otherChains?: readonly string[];
  /** SHA-256 of the leaf's DER: 64 upper-case hex digits. */
  readonly thumbprint: string;
  readonly cn: string;
  /** Upper-case hex, as X509Certificate.serialNumber gives it. */
  readonly serial: string;
  /** CN of the issuer, or its whole name where it has no CN. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The farthest moment that a Date can be (ECMAScript, time values and time range). */
const NEVER = 8_640_000_000_000_000;

/** No CKA_ID: those are hex. */
const TPM = 'tpm';

export const isEndorsed = ({ key }: Leaf): boolean => key.id === TPM;

/** The substitute for the leaf of a gateway that attests by its TPM. @param thumbprint SHA-256 of the endorsement key */
export const endorsed = (registrationId: string, thumbprint: string): Leaf => ({
  key: { slot: 'given', id: TPM },
  chain: '',
  thumbprint,
  cn: registrationId,
  serial: thumbprint,
  issuer: '',
  notBefore: 0,
  notAfter: NEVER,
});

/** The answer of DPS: the hub and the name of the device there. */
export interface Assignment {
  /** host or host:port */
  readonly hub: string;
  readonly deviceId: string;
  readonly substatus?: string;
  /** With attestation by a TPM: the name of the key that DPS gave for the hub. Each registration gives another. */
  readonly key?: string;
}

/** The place of a session: another hub, or the same one as another device or with another key, is another session. */
export const placeOf = ({ hub, deviceId, key }: Assignment): string =>
  [hub, deviceId, ...(key === undefined ? [] : [key])].join('/');
