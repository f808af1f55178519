import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DEFAULT_PATH, parseConfig } from '../../../agent/config/config.ts';
import { lostOr } from '../../../agent/config/lost.ts';
import { Fault } from '../../../agent/failure/failure.ts';

/** Code, message and advice of the refusal. */
const met = (toml: string, file: string) => {
  try {
    parseConfig(toml, file);
  } catch (error) {
    if (error instanceof Fault) return [error.failure.code, error.failure.message, error.failure.advice];
  }
  throw new Error('accepted');
};

describe('a gateway that is not set up', () => {
  const template = readFileSync(join(import.meta.dirname, '../../../scripts/deb/newleaf.toml'), 'utf8');
  const rows: readonly (readonly [name: string, toml: string, file: string, command: string])[] = [
    ['the template of the package', template, DEFAULT_PATH, '`newleaf init`'],
    ['the template elsewhere', template, '/tmp/n.toml', '`newleaf init --config /tmp/n.toml`'],
    ['an empty file', '', DEFAULT_PATH, '`newleaf init`'],
    ['only sections', '[dps]\n[issuer.est]\n', DEFAULT_PATH, '`newleaf init`'],
  ];
  for (const [name, toml, file, command] of rows) {
    test(`${name}: one sentence, and the next command`, () =>
      assert.deepEqual(met(toml, file), ['NL-CONFIG', 'This gateway is not set up yet.', command]));
  }

  test('one setting is a beginning: the others are named', () => {
    const [, message, advice] = met('[dps]\nid_scope = "0ne00000000"\n', DEFAULT_PATH);
    assert.match(String(message), /registration_id is missing/);
    assert.match(String(advice), /^Run `newleaf init`/);
    assert.match(String(met('[dps]\nid_scope = 3\n', DEFAULT_PATH)[2]), /^Correct the line/);
  });
});

test('the configuration is lost, and the state has a leaf: not "not set up yet", but what brings it back', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-lost-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const unset = new Fault('NL-CONFIG', { message: 'This gateway is not set up yet.', advice: '`newleaf init`' });
  const state = join(directory, 'state.json');
  const told = (error: Fault) => lostOr(error, '/etc/newleaf/newleaf.toml', directory) as Fault;
  assert.equal(told(unset), unset);
  for (const other of ['{"ended":true}', '{\n "entry": {\n  "phase": "unprovisioned"\n }\n}']) {
    writeFileSync(state, other);
    assert.equal(told(unset), unset);
  }
  writeFileSync(state, '{\n "entry": {\n  "current": {\n   "cn": "gw-1"\n  }\n }\n}');
  const { code, message, advice } = told(unset).failure;
  assert.deepEqual(
    [code, message],
    [
      'NL-CONFIG',
      `There is no setting in /etc/newleaf/newleaf.toml, and this gateway has a leaf (${state}): its configuration is lost.`,
    ],
  );
  assert.match(advice, /^Restore \/etc\/newleaf from a backup, .* Without a backup: `newleaf init`, which goes on/);
  const slip = new Fault('NL-CONFIG', { message: 'line 3: no value' });
  assert.equal(told(slip), slip);
});

test('of many mistakes the first ten are shown, in the order of the file', () => {
  const wrong = Array.from({ length: 14 }, (_, at) => `odd${at} = 1`);
  const lines = String(met(`[log]\n${wrong.join('\n')}`, '/n.toml')[1]).split('\n');
  assert.equal(lines.length, 11);
  assert.match(String(lines[9]), /log\.odd\d is not a setting/);
  assert.equal(lines[10], '… and 9 more.', 'with the five that are missing');
});
