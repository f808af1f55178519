import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Terminal } from '../unit/terminal.ts';
import { BUNDLE } from './stage/gateway.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

const ERASE = '\r\u001b[K';

/** Paths, hosts and thumbprints have no place where they could be broken. */
const isOneWord = (line: string): boolean => !line.trim().includes(' ');

test('a roll and a check on real terminals: no torn line, and red on the last screen', {
  timeout: 3 * PATIENCE_MS,
}, async (t) => {
  const { gateway } = await serving(t);
  const argv = [process.env.NEWLEAF_TEST_NODE ?? process.execPath, BUNDLE];
  const shown = async (columns: number, line: string, exit: number) => {
    const env = {
      ...gateway.token.hsm.environment,
      NEWLEAF_CONFIG: gateway.configuration,
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
    };
    const terminal = new Terminal(t, [...argv, ...line.split(' ')], { env, columns, rows: 24 });
    const code = await terminal.ended;
    const { text } = terminal.screen;
    assert.equal(code, exit, text);
    const lines = text.replaceAll('\r\n', '\n').replaceAll(ERASE, '\n').split('\n');
    const torn = lines.filter((one) => one.length > columns && !isOneWord(one));
    assert.deepEqual(torn, [], `${line} at ${columns} columns`);
    return lines;
  };
  await gateway.settled();
  for (const columns of [40, 60, 120]) await shown(columns, 'roll --wait', 0);
  await gateway.settled();
  await gateway.stop();
  writeFileSync(`${gateway.directory}/pin`, 'wrong');
  for (const columns of [40, 80]) {
    const lines = await shown(columns, 'check', 1);
    const screen = lines.slice(-24).join('\n');
    assert.match(screen, /^\d+ ok, /m, `the sum at ${columns} columns`);
    assert.match(screen, /\n\nfailed {3}pin\b[\s\S]*^ *NL-TOKEN-PIN|\n\nfailed {3}pin +NL-TOKEN-PIN/m);
    assert.match(screen, /failed {3}socket|more:\s`newleaf check/);
  }
});
