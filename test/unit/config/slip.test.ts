import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaints } from './complaints.ts';

/** Line 5 is for the mistake. */
const AROUND = (slip: string, end = '\n') =>
  ['[dps]', 'id_scope = "0ne00000000"', 'registration_id = "gw-0001"', '[leaf]', slip, '[log]', 'level = "info"'].join(
    end,
  );

const QUOTE = 'the text that begins here has no closing quote.';
const TYPOGRAPHIC = 'it has the quotes of a web page or a word processor: write " in their place.';
const VALUE = 'the value is not understood: it must be true, false, a number, or a text in quotes, as "66%".';
const ABSENT = 'a value is missing here.';
const EQUALS = '= is missing: write a setting as KEY = VALUE.';
const COMMA = 'a comma, a quote, or the closing bracket is missing before this.';
const BEHIND = 'something stands behind the value: each setting has a line of its own, and a comment begins with #.';
const KEY = 'the name of a setting or section has letters, digits, - and _ only.';

const ROWS: readonly (readonly [slip: string, words: string, line?: number])[] = [
  ['renew_at = "s3cret', QUOTE],
  ["renew_at = 's3cret", QUOTE],
  ['renew_at = """s3cret', QUOTE],
  ['renew_at = s3cret"', VALUE],
  ['renew_at = “s3cret”', TYPOGRAPHIC],
  ['renew_at = "s3cret”', TYPOGRAPHIC],
  ['renew_at = ‘s3cret’', TYPOGRAPHIC],
  ['“renew_at” = "s3cret"', TYPOGRAPHIC],
  ['renew_at = 66%', VALUE],
  ['renew_at = 30day', VALUE],
  ['renew_at = 0ne00000000', VALUE],
  ['renew_at = s3cret', VALUE],
  ['rotate_key = ture', VALUE],
  ['rotate_key = True', VALUE],
  ['rotate_key = flase', VALUE],
  ['rotate_key = truee', BEHIND],
  ['rotate_key = yes', VALUE],
  ['rotate_key =', ABSENT],
  ['rotate_key = # yes', ABSENT],
  ['renew_at "s3cret"', EQUALS],
  ['renew_at s3cret', EQUALS],
  ['renew_at', EQUALS],
  ['renew_at: "s3cret"', EQUALS],
  ['renew at = "s3cret"', KEY],
  ['größe = "s3cret"', KEY],
  ['= "s3cret"', 'the name of the setting or section is missing.'],
  ['[issuer', 'the closing bracket of the section is missing: write it as [dps].'],
  ['issuer]', 'the opening bracket of the section is missing: write it as [dps].'],
  ['[issuer est]', KEY],
  ['[]', 'the name of the setting or section is missing.'],
  ['[leaf]', 'this setting or section stands in the file twice.'],
  ['renew_at = "66%"\nrenew_at = "67%"', 'this setting or section stands in the file twice.', 6],
  ['argv = ["/bin/sign"', COMMA, 6],
  ['argv = ["/bin/sign" "s3cret"]', COMMA],
  ['payload = { a = 1', COMMA, 6],
  ['renew_at = "66%" "s3cret"', BEHIND],
  ['renew_at = "66%" rotate_key = true', BEHIND],
  ['renew_at = "C:\\s3cret"', 'a \\ in a text has a meaning of its own: write it twice, or the text in single quotes.'],
];

describe('slips in a TOML text are named with their line, in words, and quote nothing', () => {
  for (const [slip, words, line = 5] of ROWS) {
    for (const [name, end] of [
      ['', '\n'],
      [', with Windows line ends', '\r\n'],
    ] as const) {
      test(`${slip.replace('\n', ' ')}${name}`, () => {
        assert.deepEqual(complaints(AROUND(slip.replace('\n', end), end)), [`${line}: ${words}`]);
      });
    }
  }

  test('at the end of the file, too', () => {
    assert.deepEqual(complaints('[dps]\nid_scope = "s3cret'), [`2: ${QUOTE}`]);
    assert.deepEqual(complaints('argv = ['), ['1: what begins here has no closing bracket.']);
  });
});

test('tabs, Windows line ends and a byte order mark are none', () => {
  const toml = '\uFEFF[dps]\r\n\tid_scope\t=\t"0ne"\t# here\r\nattestation = "tpm"\r\nregistration_id = "gw-0001"\r\n';
  assert.deepEqual(complaints(toml), []);
});
