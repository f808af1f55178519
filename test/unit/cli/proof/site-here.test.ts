import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { check } from '../../../../agent/cli/checks/command.ts';
import { run as config } from '../../../../agent/cli/config.ts';
import { siteHere } from '../../../../agent/cli/proof/site-here.ts';
import { run as version } from '../../../../agent/cli/version.ts';
import { loadConfig } from '../../../../agent/config/config.ts';
import { startedBy } from '../../../../hsm/job.ts';
import { PinRecord } from '../../../../hsm/pin-record.ts';
import { testAsOthers } from '../../../as-others.ts';
import { softHsm } from '../../../contract/token/softhsm.ts';
import { withEnvironment } from '../../../put-back.ts';
import { TYPESCRIPT } from '../../../typescript.ts';
import { fault, scratch } from '../../state/disk.ts';
import { args, configIn, NOW, stage } from '../stage.ts';

/** The program that loads the module, from the sources. */
const MAIN = join(import.meta.dirname, '..', '..', '..', '..', 'agent', 'main.ts');
beforeEach(() => startedBy([process.execPath, ...TYPESCRIPT, MAIN]));

function here(t: TestContext) {
  const directory = scratch(t);
  mkdirSync(join(directory, 'state'), { mode: 0o700 });
  writeFileSync(join(directory, 'pin'), '1234\n', { mode: 0o600 });
  const file = configIn(directory);
  return {
    directory,
    file,
    site: siteHere({ config: async () => loadConfig(file), file, env: {}, now: NOW }),
  };
}

test('a real token: everything but the network is well, and nothing is changed', async (t) => {
  const { directory, file } = here(t);
  const hsm = softHsm();
  t.after(hsm.remove);
  withEnvironment(hsm.environment, t);
  const io = stage();
  assert.equal(
    await check({ again: [] })(args('check', 'keys', 'leaf-key', 'permissions', '--config', file), io),
    0,
    io.out.text,
  );
  assert.match(io.out.text, /\nok {7}pin {14}Token "newleaf" accepts the PIN\.\n/);
  assert.match(io.out.text, /\n8 ok, 0 with a warning, 1 skipped, 0 failed\n$/);
  assert.equal(existsSync(join(directory, 'state', 'refused-pin.json')), false);
});

describe('the state file', () => {
  test('absent', async (t) => assert.equal(await here(t).site.entry(), 'absent'));

  test('damaged', async (t) => {
    const { directory, site } = here(t);
    writeFileSync(join(directory, 'state', 'state.json'), '{');
    await assert.rejects(site.entry(), fault('NL-STATE-CORRUPT', /is not complete JSON/));
  });

  testAsOthers(import.meta.filename, 'not for this user: no word about damage', async (t) => {
    const { directory, site } = here(t);
    writeFileSync(join(directory, 'state', 'state.json'), '{', { mode: 0o600 });
    await site.config();
    chmodSync(join(directory, 'state'), 0);
    await assert.rejects(site.entry(), { code: 'EACCES' });
  });
});

test('permission bits', async (t) => {
  const { directory, site } = here(t);
  assert.equal(await site.mode(join(directory, 'pin')), 0o600);
  assert.equal(await site.mode(join(directory, 'none')), 'absent');
  await assert.rejects(site.mode(join(directory, 'pin', 'none')), { code: 'ENOTDIR' });
});

test('what is no directory cannot be written to, by root either', async (t) => {
  const { directory, site } = here(t);
  await site.access(join(directory, 'state'), 'write');
  await assert.rejects(site.access(join(directory, 'pin'), 'write'), { code: 'ENOTDIR' });
});

test('a refused PIN is noted for the daemon to read, also by root', async (t) => {
  const { directory } = here(t);
  const state = join(directory, 'state');
  if (process.geteuid?.() !== 0) return t.skip('only root can write files of others');
  chownSync(state, 65534, 65534);
  const record = new PinRecord(state);
  await record.refused('0000', 'newleaf', 'CKR_PIN_LOCKED');
  assert.equal(existsSync(join(state, 'refused-pin.json')), false, 'a locked PIN is not noted');
  await record.refused('0000', 'newleaf', 'CKR_PIN_INCORRECT');
  const { uid, gid } = statSync(join(state, 'refused-pin.json'));
  assert.deepEqual([uid, gid], [65534, 65534]);
});

describe('newleaf config', () => {
  test('prints what is in effect', async (t) => {
    const { file } = here(t);
    const io = stage();
    assert.equal(await config(args('config', '--config', file), io), 0);
    assert.match(io.out.text, /^issuer = "inbox" {2}# .*newleaf\.toml:9$/m);
    assert.match(io.out.text, /^level = "info" {2}# default$/m);
  });

  test('names every mistake with its line: 2', async (t) => {
    const { file } = here(t);
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n[log]\nlevel = "loud"\ncolour = 1\n`);
    const io = stage();
    assert.equal(await config(args('config', '--config', file), io), 2);
    const lines = io.err.text.replaceAll('\n', ' ');
    assert.match(
      lines,
      /^NL-CONFIG .*newleaf\.toml:16: log\.level must be one of .*newleaf\.toml:17: log\.colour is not a/,
    );
    assert.equal(io.out.text, '');
  });
});

test('newleaf version', async () => {
  const io = stage();
  assert.equal(await version(args('version'), io), 0);
  assert.match(io.out.text, /^newleaf 0\.0\.0-source \(from its sources; node v[\d.]+, OpenSSL [\d.]+[^,]*, \w+\)\n$/);
});

test('newleaf version --json', async () => {
  const io = stage();
  assert.equal(await version(args('version', '--json'), io), 0);
  assert.deepEqual(JSON.parse(io.out.text), {
    version: '0.0.0-source',
    node: process.version,
    openssl: process.versions.openssl,
    architecture: process.arch,
  });
});
