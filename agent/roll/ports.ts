import type { Failure } from '../failure/failure.ts';
import type { Assignment, KeyRef, Leaf, Slot } from './leaf.ts';

/**
 * The outside as the daemon sees it. Each port throws `Fault` (failure.ts) for the failures that it knows; `perform.ts` turns
 * all that is thrown into a failure event. Every call is idempotent and may be repeated after a power cut.
 */
export interface Ports {
  readonly keys: Keys;
  readonly issuer: Issuer;
  /**
   * Verifies a leaf before it is used. Takes PEM, or a person's delivery (PEM, DER, PKCS#7).
   * @throws Fault NL-LEAF-*
   */
  readonly judge: (delivered: string | Uint8Array, key: KeyRef) => Promise<Leaf>;
  readonly dps: Dps;
  readonly hub: Hub;
  /** Why a new process could not make a handshake with this leaf. NL-TOKEN-KEY: nor could this one. Never throws. */
  readonly opensAnew: (leaf: Leaf) => Promise<Failure | undefined>;
}

/** The two slots of the token. MUST leave every object of other slots alone. */
export interface Keys {
  /**
   * Makes a key pair with this CKA_ID (hex) in the slot, or finds the one that an interrupted attempt has made with it.
   * @throws Fault NL-TOKEN-OCCUPIED where the slot holds anything else: it is not touched
   */
  generate(slot: Slot, id: string): Promise<KeyRef>;
  /** PKCS#10 for the key, PEM, signed in the token; the subject is the registration ID. Asked again, it is the same. */
  csr(key: KeyRef): Promise<string>;
  /** Destroys certificate, public and private key of exactly this generation; absent is success. */
  destroy(key: KeyRef): Promise<void>;
}

export interface Issuer {
  /** Gets a chain for the CSR, PEM, leaf first. Nothing is verified yet. */
  issue(csrPem: string, abort: AbortSignal): Promise<string>;
}

export interface Dps {
  /** Registers the leaf. DPS pins the thumbprint that registered last. */
  register(leaf: Leaf, abort: AbortSignal): Promise<Assignment>;
  /** Whether it is known what DPS says to this leaf: no request will go out. */
  knows?(leaf: Leaf): boolean;
}

export interface Hub {
  /**
   * Connects with the leaf and proves it: CONNACK 0 and a twin read. MUST leave an open session of another leaf alone
   * until the new one has CONNACK 0, with another hub until it is proven, and end it silently after that.
   */
  connect(leaf: Leaf, assignment: Assignment, abort: AbortSignal): Promise<void>;
  /** Signals from the hub. */
  readonly signals: AsyncIterable<HubSignal>;
  /** Writes the reported property `newleaf`. */
  report(reported: object): Promise<void>;
  /** Time since the last packet of the open session, in milliseconds; undefined where there is none. */
  silentMs(): number | undefined;
  close(): Promise<void>;
}

/** The session that `connect` opened has ended by itself. */
export interface HubSignal {
  readonly kind: 'lost';
  readonly thumbprint: string;
  /** Time between CONNACK 0 and the end, in milliseconds. */
  readonly heldMs: number;
  readonly failure: Failure;
}
