import { TpmSecurityClient } from 'azure-iot-security-tpm';
import tss, { type TPMT_PUBLIC, type Tpm, type TpmDevice, type TpmError as TssError } from 'tss.js';
import { reasonOf } from '../reason.ts';
import type { Device } from './device.ts';
import { TpmError, type TpmErrorKind } from './error.ts';
import { PassingTpm } from './passing.ts';
import type { Tpm as Operations } from './tpm.ts';

export type Operation = Exclude<keyof Operations, 'close'>;

/** Commands of an activation before the TPM looks at the data from DPS. */
const PREPARATION: ReadonlySet<string> = new Set(['GetRandom', 'StartAuthSession', 'PolicySecret', 'EvictControl']);

/** Refusals that have nothing to do with the request (TPM 2.0 Part 2, section 6.6.3). */
const OBSTACLES: Readonly<Record<number, readonly [kind: TpmErrorKind, sentence: string]>> = {
  [tss.TPM_RC.BAD_AUTH]: ['password', 'The TPM asks for a password'],
  [tss.TPM_RC.AUTH_FAIL]: ['password', 'The TPM asks for a password'],
  [tss.TPM_RC.LOCKOUT]: ['locked', 'The TPM is locked'],
  [tss.TPM_RC.NV_SPACE]: ['full', 'The TPM has no room for another key'],
};

/** Where azure-iot-security-tpm 1.9.3 keeps the key that DPS has sent. */
const IDENTITY_KEY = new tss.TPM_HANDLE(0x81000100);
const SOMEBODY_ELSES = 'Where the identity key belongs (0x81000100) the TPM holds something else.';

/** The TPM through azure-iot-security-tpm. Calls must not overlap: tss.js 2.0.0 has one continuation for all commands. */
export class Chip {
  readonly #tpm: Tpm;
  readonly #passing: PassingTpm;

  /** @param fail is called when the device fails: tss.js cannot go on then */
  constructor(device: Device, fail: (error: unknown) => void) {
    const sdkDevice = deviceFor(device, fail);
    this.#tpm = Object.assign(new tss.Tpm(), { device: sdkDevice });
    this.#passing = Object.assign(new PassingTpm(), { device: sdkDevice });
  }

  /** @param given bytes: the arguments of the operation */
  async perform(op: Operation, given: readonly Uint8Array[]): Promise<unknown> {
    // A blob comes before the message.
    const [blob, message] = [Buffer.from(given.at(0) ?? ''), Buffer.from(given.at(-1) ?? '')];
    const client = new TpmSecurityClient(undefined, op === 'prove' ? this.#passing : this.#tpm);
    if (op === 'identity') {
      // One after the other: only the first call goes to the TPM.
      const endorsementKey = await asked<Buffer>((done) => client.getEndorsementKey(done));
      const storageRootKey = await asked<Buffer>((done) => client.getStorageRootKey(done));
      const registrationId = await asked<string>((done) => client.getRegistrationId(done));
      return { endorsementKey, storageRootKey, registrationId };
    }
    const stored = await this.#stored();
    const isOurs = stored?.type === tss.TPM_ALG_ID.KEYEDHASH;
    if (op === 'forget') {
      if (isOurs) await this.#evictIdentity();
      return undefined;
    }
    if (op === 'sign') {
      if (!isOurs) throw new TpmError('key', 'The TPM holds no identity key.');
    } else {
      if (op === 'activate' && stored !== undefined && !isOurs) throw new TpmError('full', SOMEBODY_ELSES);
      await asked((done) => client.activateIdentityKey(blob, done));
      if (op === 'activate') return undefined;
    }
    return asked<Buffer>((done) => client.signWithIdentity(message, done));
  }

  /** The object in the place of the identity key. The SDK would make the other keys first, and remove any object there. */
  #stored(): Promise<TPMT_PUBLIC | undefined> {
    return new Promise((resolve, reject) => {
      this.#tpm.allowErrors().ReadPublic(IDENTITY_KEY, (_, answer) => {
        const { lastError } = this.#tpm;
        if (!lastError) resolve(answer?.outPublic);
        else if (lastError.responseCode === tss.TPM_RC.HANDLE) resolve(undefined);
        else reject(lastError);
      });
    });
  }

  /** TPM2_EvictControl with an object that is persistent already removes it (TPM 2.0 Part 3, section 28.5). */
  #evictIdentity(): Promise<void> {
    return new Promise((resolve, reject) => {
      // tss.js adds the empty password of the owner.
      this.#tpm.allowErrors().EvictControl(tss.Owner, IDENTITY_KEY, IDENTITY_KEY, () => {
        const { lastError } = this.#tpm;
        if (!lastError) resolve();
        else reject(lastError);
      });
    });
  }

  /** The meaning of an error that `perform` threw, or that became uncaught meanwhile. */
  explain(op: Operation, error: unknown): TpmError {
    if (error instanceof TpmError) return error;
    const { lastError } = op === 'prove' ? this.#passing : this.#tpm;
    // The SDK first reads whether there is an identity key, and goes on where there is none.
    const last = lastError?.tpmCommand === 'ReadPublic' ? undefined : lastError;
    const refused = refusalIn(error) ?? last;
    const said = refused ? `${refused.tpmCommand} answered ${tss.TPM_RC[refused.responseCode]}` : reasonOf(error);
    const [obstacle, sentence] = OBSTACLES[refused?.responseCode ?? 0] ?? [];
    if (obstacle !== undefined) return new TpmError(obstacle, `${sentence}: ${said}.`, error);
    const isActivation = op === 'activate' || op === 'prove';
    if (isActivation && !PREPARATION.has(refused?.tpmCommand ?? '')) {
      return new TpmError('blob', `The TPM cannot open the key that DPS sent: ${said}.`, error);
    }
    return new TpmError('failed', `The TPM refused an operation: ${said}.`, error);
  }
}

/** tss.js 2.0.0 is compiled to ES5, where its errors are no instances of their class. */
const refusalIn = (error: unknown): TssError | undefined =>
  error instanceof Error && 'responseCode' in error ? (error as TssError) : undefined;

function deviceFor(device: Device, fail: (error: unknown) => void): TpmDevice {
  type Connected = Parameters<TpmDevice['connect']>[0];
  type Answered = Parameters<TpmDevice['dispatchCommand']>[1];
  // tss.js wants null where there is no error, and its types say otherwise.
  const none = null as never;
  return {
    connect(done: Connected) {
      setImmediate(done, none);
      return none;
    },
    dispatchCommand(command: Buffer, done: Answered) {
      device.transact(command).then((response) => setImmediate(done, none, response), fail);
    },
    close() {},
  };
}

function asked<T = void>(call: (done: (error: Error, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}
