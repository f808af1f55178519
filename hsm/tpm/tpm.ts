import { Worker } from '../worker.ts';
import { TpmError } from './error.ts';

export { TpmError, type TpmErrorKind } from './error.ts';

/** The public halves by which DPS knows a TPM, each a TPM2B_PUBLIC (TPM 2.0 Part 2, section 12.2.5). */
export interface TpmIdentity {
  readonly endorsementKey: Buffer;
  readonly storageRootKey: Buffer;
  /** The default of Microsoft's tools: SHA-256 of the endorsement key in base32. */
  readonly registrationId: string;
}

/** The TPM for attestation by DPS. Calls may overlap; they are made one after the other. */
export interface Tpm {
  /** Makes endorsement key and storage root key where the TPM has none yet. @throws TpmError missing, denied, failed */
  identity(): Promise<TpmIdentity>;
  /** HMAC-SHA256 with a key that DPS has wrapped for this TPM, and that is forgotten after that. @throws TpmError blob … */
  prove(blob: Uint8Array, message: Uint8Array): Promise<Buffer>;
  /** Stores the identity key that DPS has wrapped for this TPM, in place of the previous one. @throws TpmError blob … */
  activate(blob: Uint8Array): Promise<void>;
  /** HMAC-SHA256 with the identity key. @throws TpmError key where there is none … */
  sign(message: Uint8Array): Promise<Buffer>;
  /** Removes the identity key; absent is success. @throws TpmError missing, denied, failed */
  forget(): Promise<void>;
  /** Ends the process that talks to the TPM; the next call starts another. */
  close(): void;
}

export interface TpmOptions {
  /** Longest time for one call, in milliseconds. A real TPM makes an RSA key in up to a minute. */
  readonly limitMs?: number;
  /** How long the process waits for another call before it ends, in milliseconds. */
  readonly lingerMs?: number;
}

type Operations = Omit<Tpm, 'close'>;

/**
 * The TPM through a process of its own, which runs only when needed: a registration takes four calls, and a token one an hour.
 * So the daemon carries neither the 15 MiB of tss.js nor its crashes.
 * @param device a device file, or host:port of a TPM simulator
 */
export function createTpm(device: string, { limitMs = 120_000, lingerMs = 2_000 }: TpmOptions = {}): Tpm {
  const worker = new Worker<Operations, Pick<TpmError, 'kind' | 'message'>>({
    job: ['tpm', device],
    limitMs,
    lingerMs,
    revive: ({ kind, message }) => new TpmError(kind, message),
    unanswered: ({ how }) =>
      new TpmError('failed', `The process that talks to the TPM ended without an answer: ${how}.`),
  });
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const turn = last.then(call);
    last = turn.catch(() => {});
    return turn;
  };
  return {
    identity: () => inTurn(() => worker.ask('identity')),
    prove: (blob, message) => inTurn(() => worker.ask('prove', blob, message)),
    activate: (blob) => inTurn(() => worker.ask('activate', blob)),
    sign: (message) => inTurn(() => worker.ask('sign', message)),
    forget: () => inTurn(() => worker.ask('forget')),
    close: () => worker.end(),
  };
}
