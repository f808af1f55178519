/** Where a private key of ours lives: slot `a` or `b` (object labels `newleaf-a`, `newleaf-b`), or `given`: it was in the token before us and is never destroyed. */
export type Slot = 'a' | 'b' | 'given';

/** One generation of a key. Every generation has a fresh random CKA_ID, so a cached handle can never mean another key. */
export interface KeyRef {
  readonly slot: Slot;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
}

/** An end-entity certificate with its chain, and the key in the token that it belongs to. */
export interface Leaf {
  readonly key: KeyRef;
  /** PEM, leaf first, then the intermediates that are sent with it. */
  readonly chain: string;
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

/** What DPS answered: the hub and the name of the device there. */
export interface Assignment {
  /** host or host:port */
  readonly hub: string;
  readonly deviceId: string;
  readonly substatus?: string;
}
