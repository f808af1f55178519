import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Az } from './az.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const Package = v.object({ version: v.string() });
const Versions = v.object({
  'azure-cli': v.string(),
  extensions: v.optional(v.record(v.string(), v.string()), {}),
});

/** What is tried: the version of newleaf, and the commit of the clone. */
export function newleafOf(): string {
  const { version } = v.parse(Package, JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', ROOT, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${version}, commit ${git('rev-parse', 'HEAD')}${isChanged ? ', with changes' : ''}`;
  } catch {
    // No clone, or one of another user.
    return `${version}, of an unknown commit`;
  }
}

/** What it is tried by. */
export async function azOf(az: Az): Promise<string> {
  const answer = v.safeParse(Versions, await az.ask('version').catch(() => undefined));
  if (!answer.success) return 'of an unknown version';
  const { 'azure-cli': version, extensions } = answer.output;
  const iot = extensions['azure-iot'];
  return `${version}, ${iot === undefined ? 'without azure-iot' : `azure-iot ${iot}`}`;
}
