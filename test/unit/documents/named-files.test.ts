import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { pages, ROOT, readPage } from '../../../scripts/pages/blocks.ts';

const files = ['agent', 'hsm', 'scripts', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name))),
);

/** Every ending of every path: a neighbour is named without its folder. */
const endings = new Set(
  files.flatMap((file) => file.split('/').map((_, index, parts) => parts.slice(index).join('/'))),
);

const NAMED = /(?<![\w/.$*{}<>-])(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:ts|cjs)\b(?![\w/*])/g;
const COMMENT = /(?:^|\s)(?:\/\/|\/?\*).*$/gm;

/** Names of source files in a text that are the name of none; NAME stands for the reader's own, and types of packages are elsewhere. */
const missingIn = (text: string): readonly string[] =>
  (text.match(NAMED) ?? []).filter((name) => !/\bNAME\b|\.d\.ts$/.test(name) && !endings.has(name));

const commentsOf = (file: string): string => (readFileSync(join(ROOT, file), 'utf8').match(COMMENT) ?? []).join('\n');

test('every source file that a page names is there', () => {
  const missing = pages().flatMap((page) => missingIn(readPage(page)).map((name) => `${page}: ${name}`));
  assert.deepEqual(missing, []);
});

test('every source file that a comment names is there', () => {
  const missing = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => missingIn(commentsOf(file)).map((name) => `${file}: ${name}`));
  assert.deepEqual(missing, []);
});

test('one that is gone is found', () => {
  assert.deepEqual(
    missingIn('see agent/roll/gone.ts, poison.ts, roll/poison.ts and `gone.test.ts`; agent/issuer/NAME.ts'),
    ['agent/roll/gone.ts', 'gone.test.ts'],
  );
});
