import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { settingsIn } from '../../../../agent/cli/bundle/settings.ts';
import { STATE_PARTS } from '../../../../agent/cli/bundle/state-parts.ts';
import { scratch } from '../../state/disk.ts';
import { configIn, NOW } from '../stage.ts';

/** `files.txt` of a gateway whose configuration, state and socket are in this directory. */
async function listed(directory: string): Promise<string> {
  const scene = { settings: settingsIn(configIn(directory)), env: {}, now: NOW, itself: [] };
  return String(await STATE_PARTS.find(({ name }) => name === 'files.txt')?.make(scene));
}

/** Names with the letter of their kind, as they follow in the list. */
const rows = (text: string): readonly string[] =>
  [...text.matchAll(/^([dlps-])\d{4} .*Z {2}(.*)$/gm)].map(([, kind, name]) => `${kind} ${name}`);

function stateIn(t: TestContext): string {
  const directory = scratch(t);
  for (const name of ['state.json', 'leaf.pem']) writeFileSync(join(directory, name), '');
  mkdirSync(join(directory, 'inbox'));
  return directory;
}

test('links to where they lie are listed, and lead nowhere', { timeout: 20_000 }, async (t) => {
  const directory = stateIn(t);
  for (const name of ['l1', 'l2', 'l3']) symlinkSync('.', join(directory, 'inbox', name));
  const text = await listed(directory);
  assert.deepEqual(rows(text).slice(0, 8), [
    'd .',
    'd inbox',
    '- leaf.pem',
    '- newleaf.toml',
    '- state.json',
    'l inbox/l1',
    'l inbox/l2',
    'l inbox/l3',
  ]);
  assert.doesNotMatch(text, /l1\/l/);
});

test('a link to a directory outside is not gone into', async (t) => {
  const directory = stateIn(t);
  const outside = scratch(t);
  writeFileSync(join(outside, 'precious'), '');
  symlinkSync(outside, join(directory, 'inbox', 'out'));
  assert.doesNotMatch(await listed(directory), /precious/);
});

test("a tree that is very deep or very wide does not keep what is newleaf's out of the list", async (t) => {
  const directory = stateIn(t);
  mkdirSync(join(directory, 'inbox', 'a', 'b', 'c', 'd'), { recursive: true });
  mkdirSync(join(directory, 'csr'));
  writeFileSync(join(directory, 'csr', 'newleaf-a.csr'), '');
  for (let number = 0; number < 2_000; number += 1) writeFileSync(join(directory, 'inbox', `${number}`), '');
  const text = await listed(directory);
  assert.ok(rows(text).length <= 500, `${rows(text).length}`);
  for (const name of ['- state.json', '- csr/newleaf-a.csr', 'd inbox']) assert.ok(rows(text).includes(name), name);
  assert.doesNotMatch(text, /a\/b\/c/);
  assert.match(text, /^\(and more in inbox\)$/m);
});
