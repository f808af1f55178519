/** How a gateway begins. */
export interface Origin {
  readonly seed: number;
  readonly enrollment: 'group' | 'individual';
  /** A new gateway, one that serves on a leaf, one whose key and leaf were in the token before newleaf, or one that attests by its TPM. */
  readonly begins: 'new' | 'serving' | 'given' | 'endorsed';
  /** What is left of that leaf, in milliseconds. */
  readonly leftMs: number;
  /** Of the leaves that the issuer gives, in milliseconds. */
  readonly lifetimeMs: number;
  /** The issuer needs no person. */
  readonly automatic: boolean;
  /** leaf.rotate_key = false. Default false. */
  readonly keepKey?: boolean;
  /** limits.min_roll_interval, in milliseconds. Default 30 s. */
  readonly minRollIntervalMs?: number;
  /** The CA signs each key once. */
  readonly signsOnce?: boolean;
  /** Azure issues the leaves, and the certificate that DPS knows the gateway by ends after so long, in milliseconds. */
  readonly onboardingLeftMs?: number | undefined;
  /** What the serial numbers of its leaves begin with: those of a fleet are not the same. */
  readonly serials?: string;
}

const DAY = 86_400_000;

export const SERVING: Origin = {
  seed: 1,
  enrollment: 'group',
  begins: 'serving',
  leftMs: 30 * DAY,
  lifetimeMs: DAY,
  automatic: true,
};
