import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import { writeAtomically } from '../../state/durable.ts';
import type { Guide } from './guide.ts';

const ROOT = { uid: 0, gid: 0 };

/** The path of a file beside the configuration. */
export const beside = ({ file }: Pick<Guide, 'file'>, name: string): string => join(dirname(file), name);

/**
 * Writes a secret into a file of its own.
 * @param owner who alone may read it, beside root: whoever runs init, or the daemon
 * @throws Fault NL-CONFIG
 */
export async function writeSecret(
  { account }: Pick<Guide, 'account'>,
  path: string,
  secret: string,
  owner: 'caller' | 'daemon',
): Promise<void> {
  try {
    // Where the daemon is another user, the directory may be that user's, and what root has read there anybody's.
    await writeAtomically(path, `${secret}\n`, 0o600, owner === 'daemon' ? account : account && ROOT);
  } catch (error) {
    const cause = error instanceof Fault ? error.failure.message : error;
    throw new Fault('NL-CONFIG', {
      message: `${path} cannot be written.`,
      cause,
      advice: 'Run it as root: sudo newleaf init',
    });
  }
}

/**
 * A PIN that nobody could guess and nobody has to type: 120 bits. SoftHSM takes up to 255 characters, tpm2-pkcs11 128; but
 * of what a pin-source names, libp11 0.4.12 (Debian 12) hands the token no more than 31, and burns a try.
 */
export const randomPin = (): string => randomBytes(15).toString('hex');

/** What is in such a file, without white space around it; undefined where there is none, or nothing in it. */
export async function readSecret(path: string): Promise<string | undefined> {
  try {
    const secret = (await readFile(path, 'utf8')).trim();
    return secret === '' ? undefined : secret;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('NL-CONFIG', {
      message: `${path} cannot be read.`,
      cause,
      advice: 'Run it as root: sudo newleaf init',
    });
  }
}
