import assert from 'node:assert/strict';
import { chownSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { askSetting } from '../../../../agent/cli/init/ask-setting.ts';
import { readSecret, writeFor } from '../../../../agent/cli/init/copies.ts';
import { setNetwork } from '../../../../agent/cli/init/identity.ts';
import { givenPin } from '../../../../agent/cli/init/pin.ts';
import { SETTINGS } from '../../../../agent/cli/init/settings.ts';
import { scratch } from '../../state/disk.ts';
import { account, scene } from './stage.ts';

describe('secrets in a directory of the daemon', { skip: process.getuid?.() !== 0 }, () => {
  test('the one for the daemon is the daemon’s, and what a link in its place leads to stays as it is', async (t) => {
    const [directory, outside] = [scratch(t), join(scratch(t), 'outside')];
    chownSync(directory, account.uid, account.gid);
    writeFileSync(outside, 'of root');
    const path = join(directory, 'pin');
    symlinkSync(outside, path);
    await writeFor('daemon', { account, env: {} }, path, '4711\n');
    const { uid, mode } = lstatSync(path);
    assert.deepEqual([uid, mode & 0o777, await readSecret(path, {})], [account.uid, 0o600, '4711']);
    assert.deepEqual([lstatSync(outside).uid, readFileSync(outside, 'utf8')], [0, 'of root']);
  });

  test('what is kept for root is not the daemon’s to read: it may come from behind such a link', async (t) => {
    const directory = scratch(t);
    chownSync(directory, account.uid, account.gid);
    const path = join(directory, 'pin.bak');
    await writeFor('caller', { account, env: {} }, path, 'of root\n');
    assert.deepEqual([lstatSync(path).uid, lstatSync(path).mode & 0o777], [0, 0o600]);
  });
});

describe('a file that holds no PIN and no password is refused in one sentence that names it', () => {
  const binary = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]);
  const rows: readonly (readonly [what: string, content: string | Buffer, wrong: string])[] = [
    ['empty', '', 'is empty'],
    ['white space', ' \n\n', 'is empty'],
    ['binary', binary, 'is not one line of text'],
    ['no UTF-8', Buffer.from([0x70, 0xff, 0x71]), 'is not one line of text'],
    ['two lines', 'one\ntwo\n', 'is not one line of text'],
    ['huge', 'x'.repeat(100_000), 'has more than 16384 bytes'],
  ];
  for (const [what, content, wrong] of rows) {
    test(what, async (t) => {
      const path = join(scratch(t), 'secret');
      writeFileSync(path, content);
      const given = (flag: string) => scene({ flags: { [flag]: path } }).guide;
      const fault = (words: string) => ({ message: new RegExp(`^NL-CONFIG --${words}: ${path} ${wrong}\\. `) });
      const password = 'must be a file with the password alone';
      await assert.rejects(
        askSetting(given('est-password-file'), SETTINGS['est-password-file']),
        fault(`est-password-file ${password}`),
      );
      const proxy = 'proxy-password-file must be a file with the password for the proxy alone';
      await assert.rejects(setNetwork(given('proxy-password-file')), fault(proxy));
      const pin = 'pin-file must be a file with the PIN, or - where it comes on stdin';
      await assert.rejects(givenPin(given('pin-file')), fault(pin));
      const { guide } = scene({ flags: { 'pin-file': '-' } });
      const piped = { ...guide, stdin: async () => content.toString() };
      await assert.rejects(givenPin(piped), { message: new RegExp(`^NL-CONFIG --${pin}: stdin ${wrong}\\. `) });
    });
  }

  test('a password with spaces and letters of any language is taken, and a token of some kB', async (t) => {
    const path = join(scratch(t), 'secret');
    writeFileSync(path, `Straße 東京${'x'.repeat(4_000)}\r\n`);
    const { guide } = scene({ flags: { 'est-password-file': path } });
    await askSetting(guide, SETTINGS['est-password-file']);
    assert.equal(guide.answers.get(SETTINGS['est-password-file'].name), path);
  });
});
