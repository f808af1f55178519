import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headsOf } from '../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../agent/cli/table.ts';
import { allTexts } from './arrows/printed.ts';

/** A command that has no mark before it: neither the reader's sudo nor the name of the daemon would reach it. */
const OF_SYSTEM =
  'systemctl [a-z-]|journalctl -|apt-get install|usermod -|systemd-creds [a-z]|ch(?:own|mod|grp) [-$0-9a-z…]|(?:rm|mount) [-…]|(?<!apt-get |newleaf )install -';
const UNMARKED = new RegExp(
  `(?<!\`)(?<!\`sudo )(?<!\`docker [^\`]*)(?<![\\w/.-])(?:sudo )?(?:newleaf (?:--instance \\S+ )?(?:${headsOf(NEWLEAF).join('|')})\\b(?! by)|${OF_SYSTEM})`,
);

/** Texts with such words that name no command to be typed, each with its reason. */
const NEEDED: Readonly<Record<string, string>> = {
  'agent/cli/proof/site-here.ts: newleaf check': 'it is signed',
  'agent/cli/checks/token.ts: newleaf check': 'it is signed',
  'agent/cli/init/configuration.ts: The answers to newleaf init so far. It goes on from here.': 'a comment of a file',
  'agent/cli/init/configuration.ts: Written by newleaf init. All settings: man newleaf, and newleaf config.':
    'a comment of a file',
  'agent/cli/init/enrollment.ts: systemctl enable --now newleaf': 'the dialogue takes commands',
  'agent/cli/init/enrollment.ts: newleaf status': 'the dialogue takes commands',
  'agent/cli/init/enrollment.ts: docker exec newleaf newleaf status': 'the dialogue takes commands',
  'agent/cli/init/adopt/adopt.ts: sudo systemctl mask …': 'the dialogue takes commands',
  'agent/cli/init/adopt/adopt.ts: sudo systemctl disable --now newleaf': 'the dialogue takes commands',
  'agent/cli/init/adopt/adopt.ts: sudo systemctl unmask …': 'the dialogue takes commands',
  'agent/uplink/wire/local-ca.ts: newleaf uplink …': 'the name of a CA',
  'agent/uplink/wire/local-ca.ts: newleaf uplink': 'the name of a CA',
};

const texts = allTexts().map(({ place, text }) => `${place}: ${text}`);

test('each command in a text stands between backticks', () => {
  const unmarked = texts.filter((text) => UNMARKED.test(text) && !Object.hasOwn(NEEDED, text));
  assert.deepEqual(unmarked, []);
});

test('no text says sudo itself: it is added where the command is printed, for a reader who needs it', () => {
  const said = texts.filter((text) => /`sudo /.test(text));
  assert.deepEqual(said, []);
});

test('every exception still stands', () => {
  for (const text of Object.keys(NEEDED)) assert.ok(texts.includes(text), text);
});

test('what would be found', () => {
  for (const text of ['Run newleaf check.', 'sudo newleaf init', 'then: systemctl restart newleaf', 'journalctl -u x'])
    assert.match(`'${text}'`, UNMARKED, text);
  for (const text of [
    'Run `newleaf check`.',
    '`sudo systemctl stop newleaf`',
    '`docker exec newleaf newleaf status`',
    'newleaf tries',
    'runs /usr/bin/newleaf run',
  ])
    assert.doesNotMatch(`'${text}'`, UNMARKED, text);
});
