import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Tpm, TpmError } from '../../hsm/tpm/tpm.ts';
import { syncDirectory, writeAtomically } from '../state/durable.ts';
import { Turns } from '../time/turns.ts';

/**
 * The key by which the hub knows a gateway that attests by its TPM. Each registration brings another: it is kept beside the
 * one in use, wrapped as DPS sent it, and takes its place in the TPM when the hub has accepted it. Until then the previous one
 * can still sign: what DPS says is no proof that the hub knows.
 */
export class HubKey {
  readonly #tpm: Pick<Tpm, 'prove' | 'activate' | 'sign'>;
  readonly #path: string;
  /** A registration and a session may come at once, and there is one file. */
  readonly #turns = new Turns();

  constructor(tpm: Pick<Tpm, 'prove' | 'activate' | 'sign'>, directory: string) {
    this.#tpm = tpm;
    // Only this TPM can open its content.
    this.#path = join(directory, 'tpm-next-key');
  }

  /**
   * Keeps the key that DPS has sent, if this TPM can open it.
   * @returns its name
   * @throws TpmError blob …; Fault NL-STATE-WRITE
   */
  take(blob: Uint8Array): Promise<string> {
    return this.#turns.take(async () => {
      await this.#tpm.prove(blob, Buffer.from('newleaf'));
      await writeAtomically(this.#path, `${Buffer.from(blob).toString('base64')}\n`, 0o600);
      return nameOf(blob);
    });
  }

  async isNext(name: string | undefined): Promise<boolean> {
    return (await this.#next(name)) !== undefined;
  }

  /**
   * HMAC-SHA256 with the next key, if it has this name, and otherwise with the one in the TPM.
   * @throws TpmError key where there is none, missing, denied, failed
   */
  async sign(name: string | undefined, message: Uint8Array): Promise<Buffer> {
    const next = await this.#next(name);
    if (next === undefined) return this.#tpm.sign(message);
    return this.#tpm.prove(next, message).catch((error: unknown) => {
      // It did open when it came: the TPM has changed since, and another registration brings another key.
      const isLost = error instanceof TpmError && error.kind === 'blob';
      throw isLost ? new TpmError('key', 'The TPM cannot open its next key any more.', error) : error;
    });
  }

  /**
   * Puts the next key into the TPM, in place of the previous one. It can be repeated after an interruption.
   * @throws TpmError; the key still signs
   */
  promote(name: string): Promise<void> {
    return this.#turns.take(async () => {
      const next = await this.#next(name);
      if (next === undefined) return;
      await this.#tpm.activate(next);
      await rm(this.#path, { force: true });
      await syncDirectory(dirname(this.#path));
    });
  }

  async #next(name: string | undefined): Promise<Buffer | undefined> {
    if (name === undefined) return undefined;
    // An unreadable file counts as none: the hub refuses the other key, and the next registration brings a new one.
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    const blob = Buffer.from(text, 'base64');
    return nameOf(blob) === name ? blob : undefined;
  }
}

const nameOf = (blob: Uint8Array): string => createHash('sha256').update(blob).digest('hex').slice(0, 16);
