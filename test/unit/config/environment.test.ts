import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { settingsIn } from '../../../agent/cli/bundle/settings.ts';
import { type LoadedConfig, loadConfig, printConfig } from '../../../agent/config/config.ts';
import { SECTION_NAMES, sectionOf } from '../../../agent/config/schema.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { LEAST } from './least.ts';

const ALONE = {
  NEWLEAF_DPS_ID_SCOPE: '0ne00000001',
  NEWLEAF_DPS_REGISTRATION_ID: 'gw-0002',
  NEWLEAF_HSM_MODULE: '/usr/lib/module.so',
  NEWLEAF_HSM_TOKEN: 'other',
  NEWLEAF_LEAF_ISSUER: 'est',
  NEWLEAF_ISSUER_EST_URL: 'https://ca.example/.well-known/est',
  NEWLEAF_ISSUER_EST_CA_FILE: '/etc/newleaf/ca.pem',
};

/** Every setting of the result as it stands in a file; or the complaints. @param toml undefined: there is no file */
function loaded(t: TestContext, toml: string | undefined, env: NodeJS.ProcessEnv): string {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'x.toml');
  if (toml !== undefined) writeFileSync(file, toml);
  try {
    const { effective }: LoadedConfig = loadConfig(file, undefined, { NEWLEAF_CONTAINER: '1', ...env });
    return printConfig(effective, 'FILE');
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-CONFIG') return error.failure.message;
    throw error;
  }
}

const COMMAND = { NEWLEAF_LEAF_ISSUER: 'command', NEWLEAF_ISSUER_COMMAND_ARGV: '["/bin/sign", "--x"]' };

for (const [what, toml, env, expected] of [
  ['all of it, without a file', undefined, ALONE, /^id_scope = "0ne00000001" {2}# NEWLEAF_DPS_ID_SCOPE$/m],
  ['a section of the chosen issuer', undefined, ALONE, /^\[issuer\.est\]\nurl = ".*" {2}# NEWLEAF_ISSUER_EST_URL$/m],
  ['before the file', LEAST, { NEWLEAF_HSM_TOKEN: 'other' }, /^token = "other" {2}# NEWLEAF_HSM_TOKEN$/m],
  ['the rest is that of the file', LEAST, { NEWLEAF_HSM_TOKEN: 'other' }, /^id_scope = "0ne0+" {2}# FILE:3$/m],
  ['empty: not set', LEAST, { NEWLEAF_HSM_TOKEN: '' }, /^token = "newleaf" {2}# FILE:7$/m],
  ['a boolean', LEAST, { NEWLEAF_LEAF_ROTATE_KEY: 'false' }, /^rotate_key = false {2}# NEWLEAF_LEAF_ROTATE_KEY$/m],
  ['a number', LEAST, { NEWLEAF_LIMITS_BURST: '5' }, /^burst = 5 {2}# /m],
  ['a text of digits', LEAST, { NEWLEAF_HSM_TOKEN: '5' }, /^token = "5" {2}# /m],
  ['a list', LEAST, COMMAND, /^argv = \["\/bin\/sign", "--x"\] {2}# /m],
  ['a table', LEAST, { NEWLEAF_DPS_PAYLOAD: '{ site = "north" }' }, /^payload = \{ "site" = "north" \} {2}# /m],
  ['of the image, and of Kubernetes', LEAST, { NEWLEAF_PORT_1_TCP: 'x', NEWLEAF_SERVICE_HOST: 'x' }, /^\[dps\]/],
  ['not in a container', LEAST, { ...ALONE, NEWLEAF_CONTAINER: '0', NEWLEAF_X: '1' }, /^token = "newleaf"/m],
  [
    'a wrong value',
    LEAST,
    { NEWLEAF_LIMITS_BURST: 'many' },
    /^NEWLEAF_LIMITS_BURST: limits\.burst must be a whole number from 1 to 1000/,
  ],
  [
    'no setting',
    LEAST,
    { NEWLEAF_ID_SCOPE: 'x' },
    /^the environment: NEWLEAF_ID_SCOPE is no setting: they are NEWLEAF_SECTION_KEY, as NEWLEAF_DPS_ID_SCOPE and \S+\.$/,
  ],
  ['too little', undefined, { NEWLEAF_DPS_ID_SCOPE: '0ne00000001' }, /dps\.registration_id is missing/],
  ['a file that is wrong', 'dps = 1\n', ALONE, /x\.toml:1: dps must be a table/],
] as const)
  test(`settings of the environment: ${what}`, (t) => assert.match(loaded(t, toml, env), expected));

test('the support bundle shows them as well, also without a file', () => {
  const { effective, mistakes } = settingsIn('/nowhere/x.toml', { NEWLEAF_CONTAINER: '1', ...ALONE });
  assert.deepEqual(mistakes, []);
  assert.match(printConfig(effective, 'FILE'), /^token = "other" {2}# NEWLEAF_HSM_TOKEN$/m);
});

test('no two settings have the same variable', () => {
  const all = SECTION_NAMES.flatMap((section) =>
    Object.keys(sectionOf(section) ?? {}).map((key) => `${section}.${key}`),
  );
  assert.equal(new Set(all.map((path) => path.replaceAll('.', '_'))).size, all.length);
});
