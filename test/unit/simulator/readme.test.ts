import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
