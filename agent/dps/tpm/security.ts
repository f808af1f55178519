import type { Tpm } from '../../../hsm/tpm/tpm.ts';

/** The value for "no error" in node's callbacks; the types of the SDK want an Error. */
const none = null as unknown as Error;
type Done<T> = (error: Error, value?: T) => void;

export interface Attesting extends Pick<Tpm, 'identity' | 'prove'> {
  /** Keeps the key for the hub. @returns its name, another one for each key @throws TpmError blob … */
  take(blob: Uint8Array): Promise<string>;
}

interface SecurityOptions {
  /** After an abort the SDK is not called back: it would start a timer, and send the next request. */
  readonly over: AbortSignal;
  readonly taken: (name: string) => void;
}

/**
 * The TPM as azure-iot-provisioning-device 1.9.1 asks it (tpm_registration.js). It activates twice: first the key of the
 * challenge, then that for the hub; only the second one is kept.
 */
export function security(tpm: Attesting, registrationId: string, { over, taken }: SecurityOptions) {
  let challenge: Buffer | undefined;
  const answer = <T>(work: Promise<T>, done: Done<T>) => {
    const unlessOver = (error: Error, value?: T) => {
      if (!over.aborted) done(error, value);
    };
    work.then((value) => unlessOver(none, value), unlessOver);
  };
  const publicHalf = (name: 'endorsementKey' | 'storageRootKey') => (done: Done<Buffer>) => {
    const half = tpm.identity().then((identity) => identity[name]);
    answer(half, done);
  };
  return {
    getRegistrationId: (done: Done<string>) => done(none, registrationId),
    getEndorsementKey: publicHalf('endorsementKey'),
    getStorageRootKey: publicHalf('storageRootKey'),
    activateIdentityKey(blob: Buffer, done: Done<void>) {
      if (challenge !== undefined) answer(tpm.take(blob).then(taken), done);
      else {
        challenge = blob;
        done(none);
      }
    },
    signWithIdentity: (message: Buffer, done: Done<Buffer>) =>
      answer(tpm.prove(challenge ?? Buffer.alloc(0), message), done),
  };
}
