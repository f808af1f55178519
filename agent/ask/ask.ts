import type { Failure } from '../failure/failure.ts';
import type { Slot } from '../roll/leaf.ts';
import type { Phase } from '../roll/phase.ts';
import type { OutcomeStatus, Status } from '../roll/report.ts';

/** A request to the daemon: by a direct method, a command over the socket, or a file in the inbox. */
export type Ask =
  | {
      readonly kind: 'status';
      /** With the certificates of the leaf and of the next one. */
      readonly pem?: boolean;
    }
  | {
      readonly kind: 're-register' | 'roll';
      readonly from: 'method' | 'technician';
      readonly id?: string;
      /** The work begins at a random moment within this time, in milliseconds; 0 is at once. */
      readonly delayMs: number;
      /** Drop the parked candidate first. */
      readonly discard?: boolean;
    }
  | { readonly kind: 'csr'; readonly from: 'method' | 'technician'; readonly newKey?: boolean }
  /** The CSR for another onboarding certificate of the same key. */
  | { readonly kind: 'onboarding-csr' }
  /** Another onboarding certificate, PEM, DER or PKCS#7, with or without its intermediates. */
  | { readonly kind: 'install-onboarding'; readonly from: 'method' | 'technician'; readonly delivered: Uint8Array }
  | {
      readonly kind: 'install';
      readonly from: 'method' | 'technician';
      readonly id?: string;
      /** PEM, DER or PKCS#7: the leaf, with or without its intermediates. */
      readonly delivered: Uint8Array;
    };

/** A leaf that was delivered. */
export interface Received {
  readonly thumbprint: string;
  /** Who has issued it, and who the leaf before it: a person sees here that the wrong CA has signed. */
  readonly message: string;
}

export type Answer =
  | { readonly is: 'status'; readonly status: Status }
  | { readonly is: 'csr'; readonly csr: string; readonly slot: Slot; readonly cn: string }
  /** The onboarding certificate that DPS is shown from now on. */
  | { readonly is: 'onboarded'; readonly thumbprint: string; readonly notAfter: string; readonly issuer: string }
  /** The work is begun, or planned. */
  | ({ readonly is: 'accepted'; readonly id: string; readonly phase: Phase } & Partial<Received>)
  /** A request that was asked before has ended like this. */
  | { readonly is: 'ended'; readonly outcome: OutcomeStatus }
  /** Other work comes first (the ID is that of the other work), or a person must act first. */
  | { readonly is: 'busy'; readonly failure: Failure; readonly id?: string | undefined }
  | { readonly is: 'later'; readonly failure: Failure; readonly retryAfterSeconds: number }
  /** The same request gets the same answer again. */
  | { readonly is: 'refused'; readonly failure: Failure }
  /** Token, disk, or newleaf itself has failed. */
  | { readonly is: 'broken'; readonly failure: Failure };

/** Answers at once, before the work begins. */
export type Answerer = (ask: Ask) => Promise<Answer>;
