import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../agent/config/config.ts';
import { type Draft, draftOf, draftText, objectionTo, standardOf } from '../../../agent/config/draft.ts';
import { SECTION_NAMES } from '../../../agent/config/schema.ts';

/** Tables of TOML have no prototype. */
const plain = (draft: Draft) => JSON.parse(JSON.stringify(Object.fromEntries(draft)));

describe('what can be kept of a configuration', () => {
  const rows: readonly (readonly [text: string, draft: object, mistakes: readonly string[]])[] = [
    ['', {}, []],
    ['[dps]\n# id_scope = "0ne"\n[hsm]\n[leaf]\n', {}, []],
    ['dps.id_scope = "0ne"\n', { 'dps.id_scope': '0ne' }, []],
    [
      'dps.id_scope = "0 ne"\ndps.registration_id = "gw"\n',
      { 'dps.registration_id': 'gw' },
      ['x.toml:1: dps.id_scope must be the ID scope as the portal shows it: letters and digits only.'],
    ],
    [
      '[leaf]\nissuer = "est"\nrotatekey = true\n[nonsense]\nx = 1\n',
      { 'leaf.issuer': 'est' },
      [
        'x.toml:3: leaf.rotatekey is not a setting; [leaf] knows key_type, rotate_key, renew_at, issuer.',
        `x.toml:4: nonsense is not a section; the sections are ${SECTION_NAMES.join(', ')}.`,
      ],
    ],
    [
      'hsm.token = "a"\nhsm.uri = "pkcs11:token=a"\n',
      { 'hsm.token': 'a' },
      ['x.toml:2: hsm.uri must be removed, or hsm.token: one of them names the token.'],
    ],
    [
      'dps.payload = { site = "north" }\nlimits.burst = 3\n',
      { 'dps.payload': { site: 'north' }, 'limits.burst': 3 },
      [],
    ],
  ];
  for (const [text, draft, mistakes] of rows) {
    test(JSON.stringify(text), () => {
      const drafted = draftOf(text, 'x.toml');
      assert.deepEqual(plain(drafted.draft), draft);
      assert.deepEqual(drafted.mistakes, mistakes);
    });
  }

  test('but nothing of a text that is no TOML', () => {
    assert.throws(() => draftOf('[dps\n', 'x.toml'), /NL-CONFIG x\.toml:1: /);
  });
});

test('a value is judged by itself, in the words of the schema', () => {
  assert.equal(objectionTo('dps.endpoint', 'https://x'), 'must be a host or host:port, without a scheme or a path');
  assert.equal(objectionTo('leaf.renew_at', '2hour')?.slice(0, 26), 'must leave at least 3hour:');
  assert.equal(objectionTo('leaf.renew_at', '66%'), undefined);
  assert.equal(standardOf('leaf.renew_at'), '66%');
  assert.equal(standardOf('dps.id_scope'), undefined);
});

test('what is written is read again as it was', () => {
  const draft = new Map<string, string | number | boolean | readonly string[] | { readonly [key: string]: string }>([
    ['leaf.issuer', 'command'],
    ['issuer.command.argv', ['/bin/sign', '--name=a "b" \\ ö']],
    ['dps.registration_id', 'gw-0001'],
    ['dps.id_scope', '0ne00000000'],
    ['dps.payload', { 'a b': 'c' }],
    ['hsm.module', '/usr/lib/softhsm/libsofthsm2.so'],
    ['hsm.token', 'zwei Wörter'],
    ['leaf.rotate_key', false],
    ['limits.burst', 3],
  ]);
  const text = draftText(draft, 'Written by a test.');
  assert.match(
    text,
    /^# Written by a test\.\n\n\[dps\]\nid_scope = "0ne00000000" {2}# The ID scope of the DPS instance\.\n/,
  );
  assert.deepEqual(plain(draftOf(text, 'x.toml').draft), plain(draft));
  assert.equal(parseConfig(text, 'x.toml').config.limits.burst, 3);
});
