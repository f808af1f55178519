import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { TYPESCRIPT } from '../../typescript.ts';
import { Terminal } from '../terminal.ts';

const PROGRAM = `${process.execPath} ${TYPESCRIPT.join(' ')} ${join(import.meta.dirname, 'asks.ts')}`;
const CTRL = { C: '\u0003', Z: '\u001a' };

/** Somebody in front of a shell with job control, who has called the program. */
async function called(t: TestContext, env: NodeJS.ProcessEnv = {}) {
  const terminal = new Terminal(t, ['bash', '--norc', '--noprofile', '-i'], { env: { PS1: '$ ', ...env } });
  let read = 0;
  const sees = async (words: string) => {
    await terminal.screen.shows(words, read);
    read = terminal.screen.text.indexOf(words, read) + words.length;
  };
  const types = (keys: string) => terminal.type(keys);
  await sees('$ ');
  types(`${PROGRAM}; echo "rc $?"\r`);
  await sees('"rc $?"');
  await sees('Name: ');
  return { sees, types, text: () => terminal.screen.text };
}

describe('questions on a terminal', { timeout: 60_000 }, () => {
  test('Ctrl-Z and fg: the question stands again, with what was typed', async (t) => {
    const { sees, types } = await called(t);
    types(`gw${CTRL.Z}`);
    await sees('Stopped');
    await sees('$ ');
    types('fg\r');
    await sees('Name: gw');
    types('-1\r');
    await sees('Password: ');
    types('secret\r');
    await sees('got gw-1 and 6 characters');
  });

  test('the same at a password: it is typed anew, and never shown', async (t) => {
    const { sees, types, text } = await called(t);
    types('gw-1\r');
    await sees('Password: ');
    types(`let-${CTRL.Z}`);
    await sees('Stopped');
    await sees('$ ');
    types('echo back in the shell\r');
    await sees('\rback in the shell');
    types('fg\r');
    await sees('Password: ');
    types('me-in\r');
    await sees('got gw-1 and 5 characters');
    assert.doesNotMatch(text(), /let-|me-in/);
  });

  test('while nothing is asked: keys are not shown, Ctrl-Z stops it, and Ctrl-C ends it', async (t) => {
    const { sees, types, text } = await called(t, { WORK_MS: '10' });
    types('gw-1\r');
    await sees('working');
    types(`hunter2\rmore${CTRL.Z}`);
    await sees('Stopped');
    await sees('$ ');
    types('fg\r');
    await sees('going on');
    types(`hunter3${CTRL.C}`);
    await sees('Stopped.');
    await sees('$ ');
    assert.doesNotMatch(text(), /hunter|\^C/);
  });

  test('a second line that is pasted is no answer, which is said once', async (t) => {
    const { sees, types, text } = await called(t);
    types('gw-1\rsecond\rthird\r');
    await sees('only the first line');
    await sees('Password: ');
    types('secret\r');
    await sees('got gw-1 and 6 characters');
    assert.doesNotMatch(text().replace(/^.*?Name: /s, ''), /second|third/);
    assert.equal(text().match(/only the first/g)?.length, 1);
  });
});
