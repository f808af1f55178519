/**
 * What a failure of the TPM means for the operator; the caller maps each kind to one of its own codes. `blob`: the key from
 * DPS does not open in this TPM. `key`: there is no identity key to sign with. `busy`: another program holds the device alone.
 * `password`, `locked` and `full`: the owner of the TPM must correct it.
 */
export type TpmErrorKind = 'missing' | 'denied' | 'busy' | 'blob' | 'key' | 'password' | 'locked' | 'full' | 'failed';

export class TpmError extends Error {
  override readonly name = 'TpmError';
  readonly kind: TpmErrorKind;

  constructor(kind: TpmErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.kind = kind;
  }
}
