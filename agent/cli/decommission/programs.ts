import { join } from 'node:path';
import { recordOf, TMPFILES } from '../../machine/program-directory.ts';
import { programNames, uplinkDirectory } from '../../state/program-name.ts';
import { hasSocketPlace } from '../uplink/place.ts';
import { messages } from '../uplink/words.ts';

/** A program that sends through newleaf. */
export interface ProgramLeft {
  readonly name: string;
  /** Messages that the hub has not got; undefined where they cannot be counted. */
  readonly queued: number | undefined;
  /** A file of root that is for this program, where there is one. */
  readonly record?: string;
}

/** The programs of a gateway whose daemon does not run. */
export async function programsLeft(
  directory: string,
  sockets: string,
  tmpfiles = TMPFILES,
): Promise<readonly ProgramLeft[]> {
  const uplink = uplinkDirectory(directory);
  const names = await programNames(uplink).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const queued = await counted(join(uplink, name, 'queue')).catch(() => undefined);
      const isPlaced = await hasSocketPlace(name, sockets, tmpfiles);
      return { name, queued, ...(isPlaced && { record: recordOf(name, sockets, tmpfiles) }) };
    }),
  );
}

async function counted(directory: string): Promise<number> {
  const { waitingIn } = await import('../../uplink/serving.ts');
  return waitingIn(directory);
}

/** For the list of what is destroyed. */
export function programInWords({ name, queued }: ProgramLeft): string {
  if (queued === undefined)
    return `the program ${name}, and its messages that wait for the hub: they cannot be counted`;
  return `the program ${name}, and ${messages(queued)} of it that ${queued > 1 ? 'wait' : 'waits'} for the hub`;
}
