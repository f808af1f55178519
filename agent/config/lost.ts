import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../failure/failure.ts';
import { standardOf } from './draft.ts';
import { NOT_SET_UP } from './read.ts';

/** A gateway whose state has a leaf was set up: its configuration is lost. Every other error stays as it is. */
export function lostOr(error: unknown, file: string, directory = String(standardOf('state.directory', file))): unknown {
  if (!(error instanceof Fault) || error.failure.message !== NOT_SET_UP) return error;
  const state = join(directory, 'state.json');
  if (!hasLeaf(state)) return error;
  const message = `There is no setting in ${file}, and this gateway has a leaf (${state}): its configuration is lost.`;
  const advice = `Restore ${dirname(file)} from a backup, with the PIN, then \`systemctl restart newleaf\`. Without a backup: ${error.failure.advice}, which goes on with the leaf and its token.`;
  return new Fault('NL-CONFIG', { message, advice });
}

/** As far as this user may read it. */
function hasLeaf(state: string): boolean {
  try {
    return /"current": ?\{/.test(readFileSync(state, 'utf8'));
  } catch {
    return false;
  }
}
