import { lstat, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '../../failure/failure.ts';
import {
  agreementTo,
  makeProgramDirectory,
  type Numbered,
  PROGRAM_MODE,
  type ProgramDirectory,
  recordOf,
  removeProgramDirectory,
  SOCKETS_MODE,
} from '../../machine/program-directory.ts';
import { writeAtomically } from '../../state/durable.ts';
import type { Machine } from './machine.ts';

/** The package has a line of its own for this one. */
export const USUAL_SOCKETS = '/run/newleaf-uplink';

/**
 * Makes the directory of a program's socket, now and at each boot.
 * @returns what takes that back, as far as it was not there before
 * @throws Fault NL-UPLINK-SOCKET
 */
export async function makeSocketPlace(place: ProgramDirectory, tmpfiles: string): Promise<() => Promise<void>> {
  const record = recordOf(place.program, place.sockets, tmpfiles);
  const isRecordNew = !(await isThere(record));
  const isNew = await makeProgramDirectory(place);
  const undo = async (): Promise<void> => {
    if (isRecordNew) await rm(record, { force: true });
    if (isNew) await removeProgramDirectory(place.sockets, place.program);
  };
  try {
    await mkdir(tmpfiles, { recursive: true, mode: 0o755 });
    await writeAtomically(record, recordText(place), 0o644);
  } catch (cause) {
    await undo();
    const message = `${record} cannot be written: without it the socket would be closed to the program after a restart.`;
    const advice =
      'Let it be written this once: `mount -o remount,rw /`, and again. Or give the program a key, which needs no such file: --key';
    throw new Fault('NL-UPLINK-SOCKET', { message, cause, advice });
  }
  return undo;
}

/** Removes what was made for the socket, once the daemon has removed the program. @throws Fault NL-UPLINK-SOCKET */
export async function removeSocketPlace(sockets: string, program: string, tmpfiles: string): Promise<void> {
  const record = recordOf(program, sockets, tmpfiles);
  try {
    await rm(record, { force: true });
  } catch (cause) {
    throw new Fault('NL-UPLINK-SOCKET', { message: `${record} cannot be removed.`, cause, advice: `\`rm ${record}\`` });
  }
  await removeProgramDirectory(sockets, program);
}

/**
 * Root agrees to what the daemon is asked, where it has made the program.
 * @param work asks the daemon
 * @throws Fault NL-UPLINK-SOCKET, and the error of `work`
 */
export async function agreed<T>(
  program: string,
  sockets: string,
  { isRoot, tmpfiles }: Machine,
  work: () => Promise<T>,
): Promise<T> {
  if (!isRoot() || !(await hasSocketPlace(program, sockets, tmpfiles))) return work();
  const agreement = agreementTo(recordOf(program, sockets, tmpfiles));
  try {
    await writeAtomically(agreement, '', 0o644);
  } catch (cause) {
    const advice = 'Let it be written this once: `mount -o remount,rw /`, and again.';
    throw new Fault('NL-UPLINK-SOCKET', { message: `${agreement} cannot be written.`, cause, advice });
  }
  try {
    return await work();
  } finally {
    await rm(agreement, { force: true });
  }
}

/** Whether root has made a place for the program. */
export const hasSocketPlace = (program: string, sockets: string, tmpfiles: string): Promise<boolean> =>
  isThere(recordOf(program, sockets, tmpfiles));

function recordText({ program, sockets, owner, ownGroup, group }: ProgramDirectory): string {
  const line = (path: string, mode: number, users: Numbered) =>
    `d ${quoted(path)} ${mode.toString(8).padStart(4, '0')} ${owner.name} ${users.name} -\n`;
  const above = resolve(sockets) === USUAL_SOCKETS ? '' : line(sockets, SOCKETS_MODE, ownGroup);
  const why = `# For the socket of the program ${program}. Made by \`newleaf uplink add\`, removed by \`newleaf uplink remove\`.\n`;
  return `${why}${above}${line(join(sockets, program), PROGRAM_MODE, group)}`;
}

/** tmpfiles.d(5): "C-style escapes", in quotes for blanks; and % begins a specifier. */
function quoted(path: string): string {
  const plain = path.replaceAll('%', '%%');
  return /^[\w/.+%-]+$/.test(plain) ? plain : JSON.stringify(plain);
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
