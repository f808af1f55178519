import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Guide } from '../../../../agent/cli/init/guide.ts';
import { askPin } from '../../../../agent/cli/init/pin.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import type { SeenToken } from '../../../../hsm/slots.ts';
import { type Scene, type SceneOptions, SOFTHSM, scene, token } from './stage.ts';

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
  const guide: Guide = { ...set.guide, file: join(directory, 'newleaf.toml') };
  if (options.kept !== undefined) writeFileSync(join(directory, 'pin'), `${options.kept}\n`);
  const shown = { module: SOFTHSM, token: token('gw', options.change) };
  const isAccepted = await askPin(guide, shown, options.isOurs ?? false);
  return { isAccepted, tried, paper: set.paper.text };
}

const kept = (name = 'pin') => readFileSync(join(directory, name), 'utf8').trim();

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
    assert.deepEqual([kept(), kept('pin.bak')], [RIGHT, '1234'], 'the one before may be known to nobody');
    assert.deepEqual((await ask({ typed: [''], kept: RIGHT })).tried, [RIGHT]);
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
