import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BUNDLE, NODE } from '../e2e/stage/gateway.ts';

let bundle: string | undefined;

/** The program under test with the code cache that a package writes when it is installed: a start takes a fifth less of a core. */
export function program(): readonly string[] {
  if (bundle !== undefined) return [NODE, bundle];
  // Not below KILLS_ROOT: its files are none of a gateway.
  const directory = mkdtempSync(join(tmpdir(), 'kills-program-'));
  process.once('exit', () => rmSync(directory, { recursive: true }));
  // A stage beside this one builds: what is not whole yet (scripts/build.ts) goes away in a moment.
  const filter = (path: string) => !/\/(packages|doc|operator)$|\.new$/.test(path);
  cpSync(dirname(BUNDLE), directory, { recursive: true, filter });
  bundle = join(directory, basename(BUNDLE));
  for (const part of ['daemon', 'quick']) execFileSync(NODE, [bundle, 'internal-cache', part]);
  return [NODE, bundle];
}
