import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { TYPESCRIPT } from './typescript.ts';

const CAPABILITIES = '-dac_override,-dac_read_search';

/** argv that goes before a command: root may read and write everything, unless it is told not to. */
export const AS_OTHERS: readonly string[] =
  process.geteuid?.() === 0 ? ['setpriv', '--bounding-set', CAPABILITIES, '--inh-caps', CAPABILITIES] : [];

const AGAIN = 'NEWLEAF_TEST_AS_OTHERS';

/**
 * A test of what the mode of a file forbids, for root as for all others. With root it runs in a process of its own: Debian's
 * nodejs lets none become another user (turn.ts), and a user other than root often may not read the sources.
 * @param file that declares the test
 */
export function testAsOthers(file: string, title: string, work: (t: TestContext) => Promise<void> | void): void {
  const isHere = AS_OTHERS.length === 0 || process.env[AGAIN] === title;
  test(title, (t) => (isHere ? work(t) : again(file, title)));
}

async function again(file: string, title: string): Promise<void> {
  const name = title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const node = [process.execPath, ...TYPESCRIPT, '--test-reporter=tap', `--test-name-pattern=^${name}$`, file];
  const [program = '', ...args] = [...AS_OTHERS, ...node];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(program, args, { env: { ...env, [AGAIN]: title }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [told, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.ok(code === 0 && /^# pass 1$/m.test(told), told);
}
