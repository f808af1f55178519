import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { existing, writeConfiguration } from '../../../../agent/cli/init/configuration.ts';
import type { Guide } from '../../../../agent/cli/init/guide.ts';
import { askPin, pinKeptFor, pinPlace, stagedPin, storePin } from '../../../../agent/cli/init/pin.ts';
import { DEFAULT_PATH } from '../../../../agent/config/config.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import type { SeenToken } from '../../../../hsm/slots.ts';
import { account, type Scene, type SceneOptions, SOFTHSM, scene, token } from './stage.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'newleaf-pin-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const RIGHT = '4711';

interface Asked {
  readonly isAccepted: boolean;
  readonly tried: readonly string[];
  readonly paper: string;
  readonly guide: Guide;
}

/** Asks for the PIN of a token that takes one PIN only. */
async function ask(
  options: SceneOptions & { kept?: string; isOurs?: boolean; change?: Partial<SeenToken> },
): Promise<Asked> {
  const tried: string[] = [];
  const login = async ({ pin }: { readonly pin: string }) => {
    tried.push(pin);
    if (pin !== RIGHT && options.change?.needsLogin !== false)
      throw new Fault('NL-TOKEN-PIN', { message: 'The PIN is wrong.' });
  };
  const set: Scene = scene({ ...options, errands: { login } });
  const file = join(directory, 'newleaf.toml');
  const guide: Guide = { ...set.guide, file, before: existing(file, false).config };
  if (options.kept !== undefined) writeFileSync(join(directory, 'pin'), `${options.kept}\n`);
  const shown = { module: SOFTHSM, token: token('gw', options.change) };
  const isAccepted = await askPin(guide, shown, options.isOurs ?? false);
  return { isAccepted, tried, paper: set.paper.text, guide };
}

const COMPLETE = {
  'dps.id_scope': '0ne1',
  'dps.registration_id': 'gw-1',
  'hsm.module': SOFTHSM.path,
  'hsm.token': 'gw',
  'leaf.issuer': 'inbox',
};

/** The name of the PIN file in the configuration that is written. */
const pinFileNow = () =>
  basename(/pin_file = "([^"]+)"/.exec(readFileSync(join(directory, 'newleaf.toml'), 'utf8'))?.[1] ?? '');

const kept = (name = 'pin') => readFileSync(join(directory, name), 'utf8').trim();

/** Beside the one in use: that of another token. */
const STAGED = 'pin-gw.new';

describe('the PIN of a token', () => {
  test('is typed, proven by one login, and kept for the daemon alone', async () => {
    const { isAccepted, tried } = await ask({ typed: [RIGHT] });
    assert.deepEqual([isAccepted, tried, kept()], [true, [RIGHT], RIGHT]);
    assert.equal(statSync(join(directory, 'pin')).mode & 0o777, 0o600);
  });

  test('that is wrong is tried once, said, and not kept', async () => {
    const { isAccepted, tried, paper } = await ask({ typed: ['1234'] });
    assert.deepEqual([isAccepted, tried], [false, ['1234']]);
    assert.match(paper, /NL-TOKEN-PIN The PIN is wrong\.\n.*tried once, and is not tried again/);
    assert.throws(() => kept(), /ENOENT/);
  });

  test('that is kept is tried on the token that it is meant for', async () => {
    assert.deepEqual((await ask({ typed: [], kept: RIGHT, isOurs: true })).tried, [RIGHT]);
  });

  test('that is kept is not tried on another token, unless the person says so', async () => {
    const { tried, paper } = await ask({ typed: [RIGHT], kept: '1234' });
    assert.deepEqual(tried, [RIGHT]);
    assert.match(paper, /Enter: the one in .*\/pin\)/);
    assert.equal(kept(), '1234', 'a configuration that is in use needs it');
    assert.deepEqual((await ask({ typed: [''], kept: RIGHT })).tried, [RIGHT]);
  });

  test('of another token takes the place of the one in use with the configuration, wherever the power is cut', async () => {
    const { guide } = await ask({ typed: [RIGHT], kept: '1234', configured: COMPLETE });
    const steps: string[] = [];
    const pin = stagedPin(guide);
    assert.ok(pin !== undefined);
    const replace = async () => {
      steps.push(`${pinFileNow()}: ${kept(STAGED)}, not ${kept()}`);
      await pin.replace();
      steps.push(`${pinFileNow()}: ${kept(STAGED)}, as ${kept()}`);
    };
    await writeConfiguration(guide, { ...pin, replace });
    assert.deepEqual(steps, [`${STAGED}: ${RIGHT}, not 1234`, `${STAGED}: ${RIGHT}, as ${RIGHT}`]);
    assert.equal(pinFileNow(), 'pin');
    assert.deepEqual([kept(), kept('pin.bak')], [RIGHT, '1234'], 'the one before may be known to nobody');
    assert.throws(() => kept(STAGED), /ENOENT/);
    assert.equal(stagedPin((await ask({ typed: [''], kept: RIGHT })).guide), undefined);
  });

  test('that a killed run has left beside the one in use is found again, for the token that the daemon does not use', async () => {
    writeFileSync(join(directory, STAGED), `${RIGHT}\n`);
    const again = await ask({ flags: { 'new-token': 'softhsm' }, kept: '1234', configured: COMPLETE });
    assert.deepEqual([again.tried, again.guide.staged.pin?.pin], [[RIGHT], RIGHT]);
    const person = await ask({ typed: [''], kept: '1234' });
    assert.deepEqual(person.tried, [RIGHT]);
    assert.match(person.paper, /Enter: the one in\s+\S*\/pin-\w+\.new\)/);
  });

  test('and is not tried on a third token: each wrong one costs a try', async () => {
    writeFileSync(join(directory, 'pin-other.new'), '1234\n');
    const { tried } = await ask({ flags: { token: 'gw' }, kept: RIGHT, configured: COMPLETE });
    assert.deepEqual(tried, [RIGHT]);
  });

  test('nor is it tried on a token that this run has just made', async () => {
    writeFileSync(join(directory, STAGED), '1234\n');
    const set = scene();
    const guide: Guide = { ...set.guide, file: join(directory, 'newleaf.toml') };
    await storePin(guide, 'gw', RIGHT);
    assert.equal((await pinKeptFor(guide, 'gw', false))?.pin, RIGHT);
    assert.equal(kept(STAGED), '1234', 'it may be the only copy');
  });

  test('and is not tried on the one that it does use', async () => {
    writeFileSync(join(directory, STAGED), '1234\n');
    const { guide } = await ask({ typed: [RIGHT], configured: COMPLETE });
    await writeConfiguration(guide);
    assert.deepEqual((await ask({ typed: [], kept: RIGHT, isOurs: true, configured: COMPLETE })).tried, [RIGHT]);
  });

  test('comes from a file, or from stdin', async () => {
    writeFileSync(join(directory, 'given'), ` ${RIGHT}\n`);
    assert.deepEqual((await ask({ flags: { 'pin-file': join(directory, 'given') } })).tried, [RIGHT]);
    assert.deepEqual((await ask({ flags: { 'pin-file': '-' }, stdin: `${RIGHT}\n` })).tried, [RIGHT]);
    await assert.rejects(ask({ flags: { 'pin-file': '-' }, stdin: '1234' }), /NL-TOKEN-PIN/);
  });

  test('that nobody can be asked for is a missing flag', async () => {
    await assert.rejects(ask({}), /no default for: --pin-file/);
  });

  test('is handed over by the unit; a container and an experiment, which have none, name its place', async () => {
    const guide: Guide = { ...scene().guide, file: DEFAULT_PATH, account };
    const path = '/etc/newleaf/pin';
    assert.deepEqual(pinPlace(guide), { path, setting: undefined });
    for (const alone of [{ env: { NEWLEAF_CONTAINER: '1' } }, { account: undefined }])
      assert.deepEqual(pinPlace({ ...guide, ...alone }), { path, setting: path });
  });

  test('is left alone where one try is left, and not needed where the token takes everybody', async () => {
    const last = await ask({ typed: [RIGHT], change: { isFinalTry: true } });
    assert.deepEqual([last.isAccepted, last.tried], [false, []]);
    assert.match(last.paper, /One wrong PIN more/);
    assert.equal((await ask({ typed: [], change: { needsLogin: false } })).isAccepted, true);
  });

  test('Enter means another token, where no PIN is kept', async () => {
    const { isAccepted, tried } = await ask({ typed: [''] });
    assert.deepEqual([isAccepted, tried], [false, []]);
  });
});
