import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../../simulator/faults.ts';
import { DEFAULT_SWITCHES } from '../../simulator/switches.ts';

const README = readFileSync(new URL('../../simulator/README.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');

test('the README lists every fault with its meaning', () => {
  for (const [name, { on, means }] of Object.entries(FAULTS)) {
    const row = `| \`${name}\` | ${on.join() === 'dps,hub,est' ? 'all' : on.join(', ')} | ${means} |`;
    assert.ok(README.includes(row), row);
  }
});

test('the README lists every switch with its default', () => {
  for (const [name, value] of Object.entries(DEFAULT_SWITCHES)) {
    assert.ok(README.includes(`| \`${name}\` | \`${value}\` |`), name);
  }
});

test('each fault and each switch is in a test of something else', () => {
  const root = join(import.meta.dirname, '..', '..');
  const others = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.split(sep).includes('simulator'),
  );
  const text = others.map((name) => readFileSync(join(root, name), 'utf8')).join('\n');
  const unused = [...Object.keys(FAULTS), ...Object.keys(DEFAULT_SWITCHES)].filter((name) => !text.includes(name));
  assert.deepEqual(unused, []);
});
