import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Code, Fault } from '../../../agent/failure/failure.ts';

/** An empty directory that goes away with the test. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-'));
  t.after(() => {
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // A test has closed something in it.
      spawnSync('chmod', ['--recursive', 'u+rwX', directory]);
      rmSync(directory, { recursive: true });
    }
  });
  return directory;
}

/** For assert.rejects: a Fault with this code, these words, and this advice. */
export const fault =
  (code: Code, words: RegExp, advice = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.failure.code, code);
    assert.match(error.failure.message, words);
    assert.match(error.failure.advice, advice);
    return true;
  };
