import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeNote } from './note.ts';
import { type Pkcs11Uri, parseUri, type TokenName, uriOf } from './uri.ts';

const pathIn = (directory: string): string => join(directory, 'token-uri');

/**
 * The token that has worked on this gateway: another may have its label since. Undefined where there is no note, or a damaged one.
 * @param directory the state directory
 */
export async function knownToken(directory: string): Promise<Pkcs11Uri | undefined> {
  try {
    return parseUri((await readFile(pathIn(directory), 'utf8')).trim());
  } catch {
    return undefined;
  }
}

/** Notes that the daemon works with this token. Where the disk takes nothing, the note before stays. */
export async function rememberToken(directory: string, name: TokenName): Promise<void> {
  const text = `${uriOf(name)}\n`;
  const before = await readFile(pathIn(directory), 'utf8').catch(() => '');
  if (before !== text) await writeNote(pathIn(directory), text, 0o644).catch(() => {});
}
