/** As in scripts/start/newleaf.sh, which speaks where Node itself does not come up. */
export const REPAIR =
  'Install newleaf again: `apt-get install --reinstall newleaf`, or by the install.sh of its tarball. `dpkg -V newleaf` names the files that differ.';

/** Ends a process whose program cannot be loaded: cut short, gone, or of another Node. A stack trace would name no cure. */
export function damaged(file: string, error: unknown): never {
  const [why] = String(error instanceof Error ? error.message : error).split('\n');
  process.stderr.write(`newleaf cannot start: ${file} cannot be loaded (${why}). ${REPAIR}\n`);
  process.exit(1);
}
