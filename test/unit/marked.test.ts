import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { headsOf } from '../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../agent/cli/table.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** A command that has no mark before it: neither the reader's sudo nor the name of the daemon would reach it. */
const OF_SYSTEM =
  'systemctl [a-z-]|journalctl -|apt-get install|usermod -|systemd-creds [a-z]|ch(?:own|mod|grp) [-$0-9a-z]';
const UNMARKED = new RegExp(
  `(?<!\`)(?<!\`sudo )(?<![\\w/.-])(?:sudo )?(?:newleaf (?:--instance \\S+ )?(?:${headsOf(NEWLEAF).join('|')})\\b(?! by)|${OF_SYSTEM})`,
);

/** Lines that are no text with a command in it, by file and beginning, each with its reason. */
const NEEDED: Readonly<Record<string, string>> = {
  "agent/cli/proof/site-here.ts: await new HubKey(tpm, config.state.directory).sign(name, Buffer.from('newleaf check'));":
    'it is signed',
  "agent/cli/checks/token.ts: const message = Buffer.from('newleaf check');": 'it is signed',
  "agent/cli/init/configuration.ts: await written(draftFile(file), draftText(answers.draft, 'The answers to newleaf init so far. It goes on from here.'));":
    'a comment of a file',
  "agent/cli/init/configuration.ts: draftText(draft, 'Written by newleaf init. All settings: man newleaf, and newleaf config.');":
    'a comment of a file',
  "agent/cli/init/enrollment.ts: dialogue.commands([...(isInstalled ? ['systemctl enable --now newleaf'] : []), 'newleaf status']);":
    'the dialogue takes commands',
  "agent/cli/init/adopt/incumbent.ts: 'sudo systemctl disable --now newleaf',": 'the dialogue takes commands',
  "agent/uplink/wire/local-ca.ts: const certificate = certify({ subject: 'newleaf uplink', publicKey, issuer, notAfter, names });":
    'the name of a CA',
};

/** Code without comments. The tables of commands are help, which names the daemon that every gateway has. */
const lines = ['agent', 'hsm'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/^cli\/table/.test(name))
    .flatMap((name) =>
      readFileSync(join(ROOT, folder, name), 'utf8')
        .replaceAll('\\`', '`')
        .replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm, '')
        .split('\n')
        .map((line) => `${folder}/${name}: ${line.trim()}`),
    ),
);

test('each command in a text stands between backticks', () => {
  const unmarked = lines.filter((line) => UNMARKED.test(line) && !Object.hasOwn(NEEDED, line));
  assert.deepEqual(unmarked, []);
});

test('every exception still stands', () => {
  for (const line of Object.keys(NEEDED)) assert.ok(lines.includes(line), line);
});

test('what would be found', () => {
  for (const text of ['Run newleaf check.', 'sudo newleaf init', 'then: systemctl restart newleaf', 'journalctl -u x'])
    assert.match(`'${text}'`, UNMARKED, text);
  for (const text of [
    'Run `newleaf check`.',
    '`sudo systemctl stop newleaf`',
    'newleaf tries',
    'runs /usr/bin/newleaf run',
  ])
    assert.doesNotMatch(`'${text}'`, UNMARKED, text);
});
