import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { mayTurn } from '../../../agent/machine/turn.ts';

/** An empty directory that goes away with the test. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const isRoot = process.geteuid?.() === 0;

/** Why `asNobody` cannot be used, for the option `skip`: Debian's nodejs lets no process become another user (turn.ts). */
export const barred = isRoot && !mayTurn() && 'this Node lets no process become another user';

/** The same for a test that begins as root. */
export const needsRoot = isRoot ? barred : 'changing the user needs root';

/** Runs as the user nobody where the test runs as root, who may read and write everything. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

/** For assert.rejects: a Fault with this code and these words. */
export const fault = (code: Code, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Fault, String(error));
  assert.equal(error.failure.code, code);
  assert.match(error.failure.message, words);
  return true;
};
