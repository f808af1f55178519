import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askSetting } from '../../../../agent/cli/init/ask-setting.ts';
import { Back, Dialogue } from '../../../../agent/cli/init/dialogue.ts';
import { askInOrder, type Question } from '../../../../agent/cli/init/guide.ts';
import { timeoutOf } from '../../../../agent/cli/timeout.ts';
import { scene } from './stage.ts';

/** Asks nothing where its flag is given. */
const question = (name: string, flag: string): Question => {
  return (guide) => askSetting(guide, { name, flag, words: flag });
};
const QUESTIONS = [
  question('dps.id_scope', 'id-scope'),
  question('dps.registration_id', 'registration-id'),
  question('dps.endpoint', 'endpoint'),
];

describe('back', () => {
  const rows: readonly (readonly [
    what: string,
    flags: Readonly<Record<string, string>>,
    typed: readonly string[],
    settings: readonly string[],
  ])[] = [
    ['leads to the question before', {}, ['0ne1', 'back', '0ne2', 'gw', 'dps.x'], ['0ne2', 'gw', 'dps.x']],
    ['twice, to the one before that', {}, ['0ne1', 'gw', 'back', 'back', '0ne2', '', 'dps.x'], ['0ne2', 'gw', 'dps.x']],
    [
      'passes over what was not asked',
      { 'registration-id': 'gw' },
      ['0ne1', 'back', '0ne2', 'dps.x'],
      ['0ne2', 'gw', 'dps.x'],
    ],
  ];
  for (const [what, flags, typed, settings] of rows) {
    test(what, async () => {
      const { guide } = scene({ flags, typed });
      await askInOrder(guide, QUESTIONS);
      assert.deepEqual([...guide.answers.values()], settings);
    });
  }

  test('at the first question is for the caller', async () => {
    const { guide } = scene({ typed: ['back'] });
    await assert.rejects(askInOrder(guide, QUESTIONS), Back);
  });

  test('is typed for a choice and a secret, too', async () => {
    const choices = [{ key: 'a', words: 'it' }] as const;
    await assert.rejects(scene({ typed: ['back'] }).guide.dialogue.choose('Which one', choices, 'a'), Back);
    await assert.rejects(scene({ typed: ['back'] }).guide.dialogue.secret('PIN'), Back);
  });
});

test('a question longer than the screen is broken at a blank, and asked on its last line', async () => {
  const { paper } = scene();
  const asked: string[] = [];
  const line = async (words: string) => {
    asked.push(words);
    return 'x';
  };
  const screen = { width: 40, isColoured: false, isUnicode: true };
  const dialogue = new Dialogue(paper, screen, {
    ask: line,
    enter: async () => undefined,
    hold() {},
    release() {},
  });
  await dialogue.text('File with the CA of its certificate (PEM)', '/etc/newleaf/ca.pem', () => undefined);
  assert.equal(paper.text, '  File with the CA of its certificate\n');
  assert.deepEqual(asked, ['    (PEM) [/etc/newleaf/ca.pem]: ']);
});

test('a limit in time, as given', () => {
  const limit = (timeout?: string) =>
    timeoutOf({ command: 'init', options: timeout === undefined ? {} : { timeout }, positionals: [] });
  assert.deepEqual([limit(), limit('24day')], [undefined, 2_073_600_000]);
  for (const wrong of ['0s', '25day', '2', '2 min', ''])
    assert.throws(() => limit(wrong), /--timeout must be a duration/);
});
