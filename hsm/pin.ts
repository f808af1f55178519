import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenError } from './ckr.ts';
import { reasonOf } from './reason.ts';

/** A tmpfs on every Linux: the PIN has a file name here for a moment, on its way to OpenSSL. */
export const MEMORY = '/dev/shm';

/** The systemd credential that is read when no file is configured. */
const CREDENTIAL = 'hsm-pin';

export interface PinPlace {
  readonly file?: string | undefined;
  /** The PIN itself, where root has read it already. */
  readonly held?: string | undefined;
  /** $CREDENTIALS_DIRECTORY, which systemd sets (systemd.exec(5), LoadCredential=). */
  readonly credentialsDirectory?: string | undefined;
}

const unusable = (what: string, error?: unknown, advice?: string) =>
  new TokenError('pin-file', 'PIN_FILE', what, error, advice);

/**
 * Reads the PIN, without white space around it: editors end a file with a newline, and to a token that would be part
 * of the PIN and burn a try.
 * @throws TokenError PIN_FILE
 */
export async function readPin({ file, held, credentialsDirectory }: PinPlace): Promise<string> {
  if (file === undefined && held !== undefined) return held;
  const path = file ?? (credentialsDirectory === undefined ? undefined : join(credentialsDirectory, CREDENTIAL));
  if (path === undefined) throw unusable(`There is neither a PIN file nor the systemd credential ${CREDENTIAL}.`);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(`The PIN file cannot be read: ${reasonOf(error)}`, error);
  });
  const pin = text.trim();
  if (pin === '') {
    const what = file === undefined ? `There is no PIN: the systemd credential ${CREDENTIAL}` : `The PIN file ${path}`;
    throw unusable(`${what} is empty.`);
  }
  return pin;
}

/**
 * A PIN that cannot be guessed and is never typed: 120 bits. SoftHSM takes up to 255 characters, tpm2-pkcs11 128; but of the
 * file that a pin-source names, libp11 0.4.12 (Debian 12) hands the token at most 31 characters, and burns a try.
 */
export const randomPin = (): string => randomBytes(15).toString('hex');

/**
 * A copy of the PIN that only this process can read: a file without a name, kept open for the life of the process. The engine
 * reads it again for every context. `pin-value` needs no file, but libp11 0.4.13 prints the whole URI with the PIN to stderr
 * when it does not find the key.
 * @param directory where the file has its name for a moment, best on a tmpfs ($RUNTIME_DIRECTORY)
 * @returns its descriptor
 * @throws TokenError PIN_FILE
 */
export function heldPin(pin: string, directory: string): number {
  const path = join(directory, `.pin-${randomBytes(8).toString('hex')}`);
  try {
    // A bare descriptor: node closes a FileHandle when it is collected.
    const file = openSync(path, 'wx+', 0o600);
    try {
      unlinkSync(path);
      writeSync(file, pin);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return file;
  } catch (error) {
    throw unusable(
      `The PIN cannot be handed to OpenSSL by ${directory}: ${reasonOf(error)}`,
      error,
      room(error, directory),
    );
  }
}

/** write(2) says nothing of the place. */
function room(error: unknown, directory: string): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT'].includes(code)
    ? `Make room in ${directory}: \`df -h ${directory}\`, \`df -hi ${directory}\`. newleaf starts again by itself.`
    : `newleaf must be able to write there: \`ls -ld ${directory}\`. Then start it again.`;
}

/** The value for `pin-source` in a PKCS#11 URI. */
export const pinSource = (descriptor: number): string => `file:/proc/self/fd/${descriptor}`;
