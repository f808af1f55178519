import { lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Misuse } from '../../agent/cli/kit/command.ts';
import { fileTrouble } from './file-trouble.ts';

/** Reports of ten thousand gateways have 2 MB each. */
const MOST_REPORTS = 50;

/**
 * Where enroll keeps what this operator has done; undefined where the user has no home. XDG Base Directory Specification: "If
 * $XDG_STATE_HOME is either not set or empty, a default equal to $HOME/.local/state should be used."
 */
export function stateDirectory({ XDG_STATE_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const base = XDG_STATE_HOME || (HOME && join(HOME, '.local', 'state'));
  return base ? join(base, 'newleaf-enroll') : undefined;
}

const reportOf = (env: NodeJS.ProcessEnv, id: string): string | undefined => {
  const directory = stateDirectory(env);
  return directory && join(directory, 'requests', `${id}.json`);
};

/**
 * The file for the report of a request, where `--report` names no other; undefined where the user has no home.
 * @throws Misuse where it cannot be made
 */
export async function newReport(env: NodeJS.ProcessEnv, id: string): Promise<string | undefined> {
  const file = reportOf(env, id);
  if (file === undefined) return undefined;
  try {
    await makePlace(file);
    await prune(file);
  } catch (error) {
    throw new Misuse(`No device was called: ${dirname(file)} cannot be used: ${fileTrouble(error as Error)}.`, {
      advice: 'Name another file: --report FILE',
    });
  }
  return file;
}

/** The same, where it is there. */
export async function oldReport(env: NodeJS.ProcessEnv, id: string): Promise<string | undefined> {
  const file = reportOf(env, id);
  const found = file && (await lstat(file).catch(() => undefined));
  return found && file;
}

/** For this user alone: names of devices and enrollments stand in it. */
export const makePlace = (file: string): Promise<unknown> => mkdir(dirname(file), { recursive: true, mode: 0o700 });

/** Replaces the file as a whole: a crash leaves the old one, or the new one. A device or a pipe is written to as it is. */
export async function replace(file: string, text: string): Promise<void> {
  const isPlain = await lstat(file).then(
    (found) => found.isFile(),
    () => true,
  );
  if (!isPlain) return writeFile(file, text);
  const part = `${file}.part`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, file);
}

/** Forgets the oldest reports: hub and twins have all of them. */
async function prune(file: string): Promise<void> {
  const directory = dirname(file);
  const at = (name: string): number => Number.parseInt(/-([a-z0-9]+)\.json$/.exec(name)?.[1] ?? '', 36) || 0;
  const names = (await readdir(directory)).filter((name) => /^enroll-.*\.json$/.test(name));
  const old = names.toSorted((one, other) => at(other) - at(one)).slice(MOST_REPORTS);
  for (const name of old) await rm(join(directory, name), { force: true });
}
