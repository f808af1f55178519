import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import { asRoot } from '../../machine/contained.ts';
import { writeAtomically } from '../../state/durable.ts';
import type { Guide } from './guide.ts';

const ROOT = { uid: 0, gid: 0 };

export const beside = ({ file }: Pick<Guide, 'file'>, name: string): string => join(dirname(file), name);

/** Writes a file beside the configuration. @throws Fault NL-CONFIG */
export async function writeFor(
  reader: 'caller' | 'daemon' | 'all',
  { account }: Pick<Guide, 'account'>,
  path: string,
  text: string,
): Promise<void> {
  try {
    // The directory may be the daemon user's: that user must not get a file that only root may read.
    await writeAtomically(
      path,
      text,
      reader === 'all' ? 0o644 : 0o600,
      reader === 'daemon' ? account : account && ROOT,
    );
  } catch (error) {
    throw needsRoot(path, 'written', error instanceof Fault ? error.failure.message : error);
  }
}

/**
 * A PIN that cannot be guessed and is never typed: 120 bits. SoftHSM takes up to 255 characters, tpm2-pkcs11 128; but of the
 * file that a pin-source names, libp11 0.4.12 (Debian 12) hands the token at most 31 characters, and burns a try.
 */
export const randomPin = (): string => randomBytes(15).toString('hex');

/** The trimmed content of a file with a secret; undefined where it is missing or empty. */
export async function readSecret(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim() || undefined;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw needsRoot(path, 'read', cause);
  }
}

/** Longer than any PIN; and than a password, which may be a token of some kB. A file of more bytes is another file. */
const MOST_BYTES = 16 * 1024;

/** "The user-id and password MUST NOT contain any control characters" (RFC 7617 section 2); no PIN has them. */
const CONTROL = /\p{Cc}/u;

/** Why a text is no PIN and no password, as the end of a sentence about where it comes from; undefined where it may be one. */
export function noSecret(content: string): string | undefined {
  const text = content.trim();
  if (text === '') return 'is empty';
  if (text.length > MOST_BYTES) return `has more than ${MOST_BYTES} bytes`;
  return CONTROL.test(text) || text.includes('\ufffd') ? 'is not one line of text' : undefined;
}

const needsRoot = (path: string, done: 'read' | 'written', cause: unknown): Fault =>
  new Fault('NL-CONFIG', { message: `${path} cannot be ${done}.`, cause, advice: asRoot(dirname(path)) });
