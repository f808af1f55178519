import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { holdsAuthority } from '../../issuer/named-file.ts';
import type { Guide } from './guide.ts';

/**
 * Why the daemon cannot read a file, as the end of a sentence; undefined where it can.
 * @param place a path; a PKCS#11 URI is no file
 */
export async function unreadable(
  { account, errands, file }: Pick<Guide, 'account' | 'errands' | 'file'>,
  place: string,
): Promise<string | undefined> {
  if (!place.startsWith('/')) return undefined;
  const code = await errands.whyUnreadable(place);
  if (code === undefined) return undefined;
  // A directory may be closed to the daemon, and open to the caller of init.
  if (!existsSync(place)) return `must be a file that is there: there is no ${place}`;
  if (code === 'EISDIR') return `must be a file: ${place} is a directory`;
  if (code !== 'EACCES' || account === undefined) return `must be a file that can be read: ${place} cannot (${code})`;
  const user = account.name;
  return `must be a file that the user ${user} can read: move it to ${dirname(file)}, and chown ${user}: it`;
}

/** The fault of a readable file of certificates, in the same way. */
export const noCertificate = (path: string): string | undefined =>
  holdsAuthority(readFileSync(path, 'utf8')) ? undefined : `must be a PEM file: there is no certificate in ${path}`;
