import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyLines, lineOfKey } from '../../../agent/config/lines.ts';
import { sizeBytes } from '../../../agent/config/size.ts';

const TOML = `# dps.key = 1
top = """
[not-a-table]
no-key = "#" """
dotted . key = 1
"quoted key" = '#' # x = 1
[ hsm ]  # comment
list = [ "]", # [
  'a = 1',
]
after = '''
x = 1 ''''
[issuer.est]
url = "#[{"
inline = { deep = { key = 1 } }
[[many]]
one = 1
[[many]]
one = 2
`;

const FOUND: readonly (readonly [path: string, line: number | undefined])[] = [
  ['top', 2],
  ['dotted.key', 5],
  ['quoted key', 6],
  ['hsm', 7],
  ['hsm.list', 8],
  ['hsm.after', 11],
  ['issuer.est', 13],
  ['issuer.est.url', 14],
  ['issuer.est.inline', 15],
  ['many', 16],
  ['many.one', 17],
];

test('tables and keys are found, and nothing inside of strings, comments or lists', () => {
  assert.deepEqual([...keyLines(TOML)], FOUND);
});

test('a key inside of an inline table has the line of that table, an absent one that of its section', () => {
  const lines = keyLines(TOML);
  assert.equal(lineOfKey(lines, 'issuer.est.inline.deep.key'), 15);
  assert.equal(lineOfKey(lines, 'hsm.absent'), 7);
  assert.equal(lineOfKey(lines, 'leaf.absent'), undefined);
});

test('Windows line ends and a byte order mark do no harm', () => {
  assert.deepEqual(
    [...keyLines('\uFEFF[dps]\r\na = 1\r\n')],
    [
      ['dps', 1],
      ['dps.a', 2],
    ],
  );
});

test('a list in a list is no table, though its line begins as one', () => {
  const lines = keyLines('list = [\n  ["many"],\n]\nlast = 1\n');
  assert.deepEqual([lineOfKey(lines, 'last'), lineOfKey(lines, 'many')], [4, undefined]);
});

test('sizes: KiB, MiB and GiB, and nothing else', () => {
  const read = ['3KiB', '3MiB', '3GiB', '3GB', '3', '-3KiB', '3 KiB'].map(sizeBytes);
  assert.deepEqual(read, [3_072, 3_145_728, 3_221_225_472, undefined, undefined, undefined, undefined]);
});
