import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createJournal } from '../../../agent/state/journal.ts';
import { testAsOthers } from '../../as-others.ts';
import { type Entry, open } from './any-journal.ts';
import { fault, scratch } from './disk.ts';

test('absent, then what was written last', async (t) => {
  const directory = join(scratch(t), 'newleaf');
  const journal = open(directory);
  assert.equal(await journal.read(), 'absent');
  await journal.write({ phase: 'serving', trail: ['ü', '\u2028'] });
  await journal.write({ phase: 'registering' });
  assert.deepEqual(await open(directory).read(), { phase: 'registering' });
  const { format, written } = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8'));
  assert.deepEqual([format, written], [3, '2030-01-01T00:00:00.000Z']);
  assert.equal(statSync(join(directory, 'state.json')).mode & 0o777, 0o600);
});

test('an undefined field is the same as an absent one', async (t) => {
  const journal = open(scratch(t));
  await journal.write({ phase: 'serving', trail: undefined } as unknown as Entry);
  assert.deepEqual(await journal.read(), { phase: 'serving' });
});

const DAMAGE: readonly (readonly [name: string, spoil: (text: string) => string, words: RegExp])[] = [
  ['a file of length zero', () => '', /state\.json is empty\. Nothing was overwritten or sent/],
  [
    'a file of NULs, as some file systems leave after a power cut',
    (text) => '\0'.repeat(text.length),
    /is not complete JSON/,
  ],
  ['half a file', (text) => text.slice(0, text.length / 2), /is not complete JSON \(\d+ characters\)/],
  ['a list', () => '[]', /is not a JSON object/],
  ['no format', (text) => text.replace('"format"', '"form"'), /has no field "format"/],
  [
    'another format',
    (text) => text.replace('"format": 3', '"format": "0.9"'),
    /has format "0.9", and this newleaf reads format 3: it is of another version/,
  ],
  [
    'a lower format',
    (text) => text.replace('"format": 3', '"format": 2'),
    /has format 2, and this newleaf reads format 3: it is of another version\. Nothing was overwritten or sent/,
  ],
  ['no entry', (text) => text.replace('"entry"', '"entri"'), /has no field "entry"/],
  ['no digest', (text) => text.replace('"digest"', '"digset"'), /has no field "digest"/],
  ['one letter changed', (text) => text.replace('serving', 'serwing'), /was changed after newleaf wrote it/],
];

for (const [name, spoil, words] of DAMAGE)
  test(`corrupt, never empty: ${name}`, async (t) => {
    const directory = scratch(t);
    const path = join(directory, 'state.json');
    await open(directory).write({ phase: 'serving' });
    const spoiled = spoil(readFileSync(path, 'utf8'));
    writeFileSync(path, spoiled);
    await assert.rejects(open(directory).read(), fault('NL-STATE-CORRUPT', words));
    assert.equal(readFileSync(path, 'utf8'), spoiled);
  });

test('the state of a newer newleaf is neither corrupt nor empty, whatever else is in it', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'state.json');
  writeFileSync(path, '{"format": 1000, "seal": ""}');
  const newer = fault('NL-STATE-NEWER', /has format 1000, and this newleaf reads format \d+\. Nothing was overwritten/);
  await assert.rejects(open(directory).read(), newer);
  assert.equal(readFileSync(path, 'utf8'), '{"format": 1000, "seal": ""}');
});

test('an entry that the machine does not accept is corrupt, with its reason', async (t) => {
  const directory = scratch(t);
  await createJournal<object>({ directory, validate: () => ({}) }).write({ other: 1 });
  await assert.rejects(open(directory).read(), (error) =>
    /with wrong fields.*\(the phase is missing\)/.test(String(error)),
  );
});

test('a file that was only indented is still good', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'state.json');
  await open(directory).write({ phase: 'serving', trail: ['b', 'a'] });
  writeFileSync(path, JSON.stringify(JSON.parse(readFileSync(path, 'utf8')), undefined, 8));
  assert.deepEqual(await open(directory).read(), { phase: 'serving', trail: ['b', 'a'] });
});

test('a directory in the place of the file is corrupt', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'state.json'));
  await assert.rejects(open(directory).read(), fault('NL-STATE-CORRUPT', /state\.json is a directory/));
});

testAsOthers(import.meta.filename, 'a file that may not be read is not taken for a new gateway', async (t) => {
  const directory = scratch(t);
  await open(directory).write({ phase: 'serving' });
  chmodSync(join(directory, 'state.json'), 0);
  await assert.rejects(open(directory).read(), fault('NL-STATE-OWNER', /may not be read by this user/));
});

test('a link and a pipe are corrupt, too: who reads may be root', async (t) => {
  const directory = scratch(t);
  const [path, secret] = [join(directory, 'state.json'), join(directory, 'secret')];
  writeFileSync(secret, 'root:$y$j9T$…');
  symlinkSync(secret, path);
  await assert.rejects(open(directory).read(), fault('NL-STATE-CORRUPT', /state\.json is a link\./));
  rmSync(path);
  execFileSync('mkfifo', [path]);
  await assert.rejects(open(directory).read(), fault('NL-STATE-CORRUPT', /state\.json cannot be read\./));
});
