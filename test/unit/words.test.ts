import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

/** A sentence names the person or the thing (CONTRIBUTING, "Words"). In code, the name of a function is no sentence. */
const NO_ONE_NAMED = /\b(?:whoever|nobody|somebody|anybody|everybody)\b(?!\()/i;

/** Lines that need such a word, by file and text, each with its reason: the user `nobody` of Linux, say. */
const NEEDED: Readonly<Record<string, string>> = {
  'scripts/container/base: runuser -u nobody -- fakeroot mmdebstrap --quiet --mode=chrootless --architectures="$architecture" --variant=minbase \\':
    'the user of Linux: the scripts of the packages must not change this machine',
};

/** Every line of the code in a folder; pages (.md) are left out. */
function linesOf(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.md'))
    .flatMap(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => `${path.slice(ROOT.length + 1)}: ${line.trim()}`);
    });
}

const lines = ['agent', 'hsm', 'scripts', 'systemd'].flatMap(linesOf);

test('comments and messages name the person or the thing', () => {
  const unnamed = lines.filter((line) => NO_ONE_NAMED.test(line) && !Object.hasOwn(NEEDED, line));
  assert.deepEqual(unnamed, []);
});

test('every exception still stands, and has a reason', () => {
  for (const [line, reason] of Object.entries(NEEDED)) assert.ok(lines.includes(line) && reason.length > 10, line);
});
