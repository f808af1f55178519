import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { namesOf, specOf } from '../../../agent/cli/kit/tool.ts';
import { settingRows } from '../../../agent/config/config.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { ENROLL_MANUAL } from '../../../scripts/man/enroll.ts';
import { NEWLEAF_MANUAL } from '../../../scripts/man/newleaf.ts';
import { prose } from '../../../scripts/man/roff.ts';
import { type Manual, manualPage } from '../../../scripts/man.ts';

/** Bold on a line printer: a letter, a step back, and the letter again. */
const OVERSTRUCK = new RegExp(`.${String.fromCharCode(8)}`, 'g');
const mandoc = (page: string, ...options: readonly string[]): string =>
  execFileSync('mandoc', options, { input: page, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });

const pages: readonly (readonly [manual: Manual, own: readonly string[]])[] = [
  [
    NEWLEAF_MANUAL,
    [
      ...settingRows().map(({ name }) => name),
      ...Object.keys(CODES),
      '/var/lib/newleaf/state.json',
      'NEWLEAF_CONFIG',
      'NEWLEAF(8)',
    ],
  ],
  [ENROLL_MANUAL, ['NEWLEAF_DPS_CONNECTION', 'NODE_EXTRA_CA_CERTS', 'newleaf(8)', 'ENROLL(1)']],
];
for (const [manual, own] of pages) {
  const { tool } = manual;
  const page = manualPage(manual, '1.2.3', Date.parse('2026-11-25T13:49:53Z'));

  describe(`the page of ${tool.name}`, () => {
    test('has nothing that mandoc minds', () => {
      assert.equal(mandoc(page, '-Tlint', '-Wall'), '');
    });

    test('shows every command, option and exit code, and what is its own', () => {
      const shown = mandoc(page, '-Tascii', '-O', 'width=200').replaceAll(OVERSTRUCK, '');
      const names = namesOf(tool);
      const options = names.flatMap((name) => Object.keys(specOf(tool, name).options).map((long) => `--${long}`));
      const commands = names.map((name) => `${tool.name} ${name}`);
      const terms = [...commands, ...options, ...Object.values(tool.exits), ...own, '2026-11-25', 'newleaf 1.2.3'];
      assert.deepEqual(
        terms.filter((term) => !shown.includes(term)),
        [],
      );
    });
  });
}

test('each exit code of newleaf is explained', () => {
  assert.deepEqual(Object.keys(NEWLEAF_MANUAL.tool.exits).map(Number), Object.values(EXIT));
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
