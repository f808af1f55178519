import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onMissing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';

/** A program of this gateway is a directory of this name, in the state directory and where its socket is. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;

export const isProgramName = (name: string): boolean => NAME.test(name);

/** @throws Fault NL-UPLINK-PROGRAM */
export function assertName(name: string): void {
  if (!isProgramName(name))
    throw new Fault('NL-UPLINK-PROGRAM', { message: `${JSON.stringify(name)} is no name of a program.` });
}

/** Where the programs are. @param directory the state directory */
export const uplinkDirectory = (directory: string): string => join(directory, 'uplink');

/** The names of the programs, in order. @param directory of the uplink @throws the error of the file system */
export async function programNames(directory: string): Promise<string[]> {
  const found = await readdir(directory, { withFileTypes: true }).catch(onMissing([]));
  return found.flatMap((entry) => (entry.isDirectory() && isProgramName(entry.name) ? [entry.name] : [])).sort();
}

/** Whether there are programs: only then the uplink is loaded. @param directory the state directory */
export async function hasPrograms(directory: string): Promise<boolean> {
  return (await namesIn(uplinkDirectory(directory))).length > 0;
}

/** The same for the daemon. @throws Fault NL-UPLINK-DISK */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await programNames(directory);
  } catch (cause) {
    throw new Fault('NL-UPLINK-DISK', { message: `The programs in ${directory} cannot be listed.`, cause });
  }
}
