import tss, { type TPM_ALG_ID, type TPM_HANDLE, type TpmError as TssError } from 'tss.js';

type Done = (error: TssError) => void;
type Signed = (error: TssError, hmac?: Buffer) => void;
/** The type wants an error; tss.js itself passes null where there is none. */
const none = null as unknown as TssError;

/**
 * A TPM in which the key of an activation leaves no trace: it is used, then forgotten.
 *
 * DPS gives two keys, each wrapped for this TPM. The first is its challenge, to sign one request with; the second is that of
 * the device at its hub, and azure-iot-security-tpm 1.9.3 stores both at the same place (0x81000100). The challenge would
 * replace the key that the hub knows, and DPS may still refuse, or fall silent, after that.
 */
export class PassingTpm extends tss.Tpm {
  #key: TPM_HANDLE | undefined;

  /** Called twice by the SDK: to make room, and to store. */
  override EvictControl(_auth: TPM_HANDLE, key: TPM_HANDLE, _persistent: TPM_HANDLE, done: Done): void {
    this.#key = key;
    setImmediate(done, none);
  }

  override FlushContext(handle: TPM_HANDLE, done: Done): void {
    if (handle === this.#key) setImmediate(done, none);
    else super.FlushContext(handle, done);
  }

  override HMAC(handle: TPM_HANDLE, buffer: Buffer, hashAlg: TPM_ALG_ID, done: Signed): void {
    super.HMAC(this.#key ?? handle, buffer, hashAlg, (error, hmac) => {
      if (this.#key === undefined) done(error, hmac);
      else super.FlushContext(this.#key, () => done(error, hmac));
    });
  }
}
