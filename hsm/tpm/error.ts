/**
 * What a failure of the TPM means for whoever runs the gateway; the caller maps each kind to one of its own codes.
 * `blob`: what DPS sent does not open in this TPM. `key`: there is no identity key to sign with. `busy`: somebody else has the
 * device to himself. `password`, `locked` and `full`: what the owner of the TPM must put right.
 */
export const TPM_ERROR_KINDS = [
  'missing',
  'denied',
  'busy',
  'blob',
  'key',
  'password',
  'locked',
  'full',
  'failed',
] as const;
export type TpmErrorKind = (typeof TPM_ERROR_KINDS)[number];

/** Everything that hsm/tpm throws. */
export class TpmError extends Error {
  override readonly name = 'TpmError';
  readonly kind: TpmErrorKind;

  constructor(kind: TpmErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.kind = kind;
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
