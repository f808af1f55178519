import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a small file of its own, whole or not at all, that outlives a power cut. @throws the error of the file system */
export async function writeNote(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`;
  // An old draft may be a link, and root would write where it leads: open(2), O_EXCL, does not follow one.
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', mode);
  try {
    await file.writeFile(text);
    // Written by root, the note would be unreadable to the daemon, and keep it from starting.
    const { uid, gid } = await stat(dirname(path));
    if (process.geteuid?.() === 0) await file.chown(uid, gid);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
