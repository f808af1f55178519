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
  cpSync(dirname(BUNDLE), directory, { recursive: true, filter: (path) => !/\/(packages|doc|operator)$/.test(path) });
  bundle = join(directory, basename(BUNDLE));
  for (const part of ['daemon', 'quick']) execFileSync(NODE, [bundle, 'internal-cache', part]);
  return [NODE, bundle];
}
