import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { COMMAND_NAMES, EXITS, specOf } from '../../../agent/cli/table.ts';
import { settingRows } from '../../../agent/config/config.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { prose } from '../../../scripts/man/roff.ts';
import { manualPage } from '../../../scripts/man.ts';

const page = manualPage('1.2.3', Date.parse('2026-11-25T13:49:53Z'));
/** Bold on a line printer: a letter, a step back, and the letter again. */
const OVERSTRUCK = new RegExp(`.${String.fromCharCode(8)}`, 'g');
const mandoc = (...options: readonly string[]): string =>
  execFileSync('mandoc', options, { input: page, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });

describe('the page of the manual', () => {
  test('has nothing that mandoc minds', () => {
    assert.equal(mandoc('-Tlint', '-Wall'), '');
  });

  test('shows every command, option, exit code, setting and failure code', () => {
    const shown = mandoc('-Tascii', '-O', 'width=200').replaceAll(OVERSTRUCK, '');
    const options = COMMAND_NAMES.flatMap((name) => Object.keys(specOf(name).options).map((long) => `--${long}`));
    const terms = [
      ...COMMAND_NAMES.map((name) => `newleaf ${name}`),
      ...options,
      ...Object.values(EXITS),
      ...settingRows().map(({ name }) => name),
      ...Object.keys(CODES),
      '/var/lib/newleaf/state.json',
      'NEWLEAF_CONFIG',
      '2026-11-25',
      'newleaf 1.2.3',
    ];
    assert.deepEqual(
      terms.filter((term) => !shown.includes(term)),
      [],
    );
  });

  test('explains each exit code', () => {
    assert.deepEqual(Object.keys(EXITS).map(Number), Object.values(EXIT));
  });
});

describe('text for roff', () => {
  const rows: readonly (readonly [text: string, roff: string])[] = [
    ['plain - text', 'plain - text'],
    [".dot and 'quote", "\\&.dot and 'quote"],
    ["'tis", "\\&'tis"],
    ['C:\\new', 'C:\\(rsnew'],
    ['see `newleaf roll --wait`.', 'see \\fBnewleaf roll \\-\\-wait\\fR.'],
    ['pkcs11:… → token', 'pkcs11:... \\[u2192] token'],
    [`${'word '.repeat(17)}.hidden`, `${'word '.repeat(16).trim()}\nword .hidden`],
    [`${'word '.repeat(16)}.hidden`, `${'word '.repeat(16).trim()}\n\\&.hidden`],
  ];
  for (const [text, roff] of rows) test(JSON.stringify(text), () => assert.equal(prose(text), roff));
});
