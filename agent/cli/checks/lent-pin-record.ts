import { lchown, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PinRecord } from '../../../hsm/pin-record.ts';

/** Written by root, the note of a refused PIN would be unreadable to the daemon, and keep it from starting. */
export class LentPinRecord extends PinRecord {
  readonly #stateDirectory: string;

  constructor(directory: string) {
    super(directory);
    this.#stateDirectory = directory;
  }

  override async refused(pin: string, tokenName: string, code: string): Promise<void> {
    await super.refused(pin, tokenName, code);
    if (process.geteuid?.() !== 0) return;
    const { uid, gid } = await stat(this.#stateDirectory);
    await lchown(join(this.#stateDirectory, 'refused-pin.json'), uid, gid).catch((error: NodeJS.ErrnoException) => {
      // Not every refusal is noted.
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
