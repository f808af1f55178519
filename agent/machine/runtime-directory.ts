import { statfsSync } from 'node:fs';
import { MEMORY } from '../../hsm/pin.ts';

// Whose $RUNTIME_DIRECTORY it is, and what may be kept there. Decided here, for all that ask.

/** The unit's directory for what the next boot does not need (systemd.exec(5), RuntimeDirectory=); an image sets it as well. */
const given = ({ RUNTIME_DIRECTORY }: NodeJS.ProcessEnv): string | undefined => RUNTIME_DIRECTORY?.split(':')[0];

/**
 * Where the note of a start outlives its daemon (start-note.ts): only systemd keeps the directory between two starts
 * (`RuntimeDirectoryPreserve=restart`), and only it sets $INVOCATION_ID. In a container the first process paces the starts.
 */
export const noteDirectory = (env: NodeJS.ProcessEnv): string | undefined =>
  env.INVOCATION_ID === undefined ? undefined : given(env);

/** Of the magic numbers in statfs(2). */
const IN_MEMORY = [0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */];

/** Where a secret may have a name for a moment: never on a disk, also where an image's directory is a volume. */
export function secretDirectory(env: NodeJS.ProcessEnv): string {
  const directory = given(env);
  return directory !== undefined && isInMemory(directory) ? directory : MEMORY;
}

function isInMemory(path: string): boolean {
  try {
    return IN_MEMORY.includes(statfsSync(path).type);
  } catch {
    return false;
  }
}
