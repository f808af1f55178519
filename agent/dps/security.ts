import type { Tpm } from '../../hsm/tpm.ts';

/** No error, as callbacks of node are told; the types of the SDK want one. */
const none = null as unknown as Error;

/**
 * The TPM as azure-iot-provisioning-device 1.9.1 asks it (tpm_registration.js). It activates twice: first the key of the
 * challenge, then that for the hub, which alone is to stay.
 */
export function security(tpm: Pick<Tpm, 'identity' | 'prove' | 'activate'>, registrationId: string) {
  let challenge: Buffer | undefined;
  let isProven = false;
  return {
    getRegistrationId: (done: (error: Error, id?: string) => void) => done(none, registrationId),
    getEndorsementKey: (done: (error: Error, key?: Buffer) => void) =>
      void tpm.identity().then(({ endorsementKey }) => done(none, endorsementKey), done),
    getStorageRootKey: (done: (error: Error, key?: Buffer) => void) =>
      void tpm.identity().then(({ storageRootKey }) => done(none, storageRootKey), done),
    activateIdentityKey(blob: Buffer, done: (error: Error) => void) {
      if (isProven) void tpm.activate(blob).then(() => done(none), done);
      else {
        challenge = blob;
        done(none);
      }
    },
    signWithIdentity(message: Buffer, done: (error: Error, signature?: Buffer) => void) {
      isProven = true;
      void tpm.prove(challenge ?? Buffer.alloc(0), message).then((signature) => done(none, signature), done);
    },
  };
}
