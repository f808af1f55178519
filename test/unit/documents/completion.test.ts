import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { headsOf } from '../../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../../agent/cli/table.ts';
import { enrollCompletion, newleafCompletion } from '../../../scripts/completion.ts';
import { ENROLL } from '../../../scripts/enrollment/commands.ts';
import { scratch } from '../state/disk.ts';
import { Terminal } from '../terminal.ts';

const FILES = 'files';

/** What bash offers for this line, whose last word is being written. */
function offered(script: string, line: string): readonly string[] | typeof FILES {
  // As readline does it (bash(1), COMP_WORDBREAKS).
  const words = line.split(/ |(?==)|(?<==)/);
  const ask = `compopt() { echo ${FILES}; }; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _$1; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['--norc', '-c', ask, script, ...words], { encoding: 'utf8' }).trim();
  return said === FILES ? FILES : said.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  const rows: readonly (readonly [line: string, offered: readonly string[] | typeof FILES])[] = [
    ['newleaf ', [...headsOf(NEWLEAF), 'help']],
    ['newleaf st', ['status']],
    ['newleaf re', ['reprovision']],
    ['newleaf xyzzy', []],
    ['newleaf xyzzy ', []],
    ['newleaf -', ['--config', '--instance', '--help']],
    ['newleaf --config ', FILES],
    ['newleaf --config=', FILES],
    ['newleaf --config=/et', FILES],
    ['newleaf --config /tmp/c.toml st', ['status']],
    ['newleaf --config=/tmp/c.toml st', ['status']],
    ['newleaf --config status re', ['reprovision']],
    ['newleaf status --', ['--json', '--watch', '--config', '--instance', '--help']],
    ['newleaf status --w', ['--watch']],
    ['newleaf status ', []],
    ['newleaf roll --id ', []],
    ['newleaf roll --id status --d', ['--discard']],
    ['newleaf check pi', ['pin']],
    ['newleaf check pin dps-r', ['dps-reach']],
    ['newleaf install ', FILES],
    ['newleaf install --w', ['--wait']],
    ['newleaf csr -o ', FILES],
    ['newleaf csr --out=', FILES],
    ['newleaf help ro', ['roll']],
    ['newleaf init --issuer ', ['est', 'inbox', 'command', 'hub', 'azure']],
    ['newleaf init --bootstrap-cert ', FILES],
    ['newleaf init --est-user ', []],
    ['newleaf up', ['uplink']],
    ['newleaf uplink ', ['add', 'list', 'show', 'set', 'forget', 'remove']],
    ['newleaf uplink add ', []],
    [
      'newleaf uplink add sensors --',
      [
        '--group',
        '--key',
        '--again',
        '--max-bytes',
        '--max-age',
        '--rate',
        '--priority',
        '--config',
        '--instance',
        '--help',
      ],
    ],
    ['newleaf help uplink s', ['show', 'set']],
    ['newleaf support-bundle -o ', FILES],
    ['enroll ', [...headsOf(ENROLL), 'help']],
    ['enroll add ', ['individual', 'group']],
    ['enroll remove-current b', ['both']],
    ['enroll show --', []],
    ['enroll help ', headsOf(ENROLL)],
    ['enroll help allow m', ['member']],
    ['enroll help show ', ['device', 'job', 'group']],
    ['enroll forget ', []],
    ['enroll forget gw-1 --', ['--dps', '--hub', '--log', '--yes', '--dry-run', '--help']],
    ['enroll forget --', ['--dps', '--hub', '--log', '--yes', '--dry-run', '--help']],
    ['enroll --dps show ad', ['add']],
    ['enroll --yes roll-group r', ['root']],
    ['enroll add individual --certificate ', FILES],
    ['enroll add individual --policy ', ['migrate', 'reset', 'never']],
    ['enroll add --policy=n', ['never']],
    ['enroll reprovision --action ', ['register', 'roll']],
    ['enroll reprovision --job ', []],
    ['enroll promote gw-1 --p', ['--pem']],
    ['enroll xyzzy ', []],
  ];
  test('offers what can stand there', (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'newleaf.bash'), newleafCompletion());
    writeFileSync(join(directory, 'enroll.bash'), enrollCompletion());
    for (const [line, expected] of rows) {
      assert.deepEqual(offered(join(directory, `${line.split(' ', 1)}.bash`), line), expected, line);
    }
  });

  test('with a person at the keyboard', { timeout: 30_000 }, async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'newleaf.bash'), newleafCompletion());
    writeFileSync(join(directory, 'enroll.bash'), enrollCompletion());
    mkdirSync(join(directory, 'signed'));
    writeFileSync(join(directory, 'signed', 'gw 1.pem'), '');
    const terminal = new Terminal(t, ['bash', '--noprofile', '--norc', '-i'], { env: { PS1: '> ' } });
    await terminal.screen.shows('> ');
    terminal.type(`cd '${directory}'; source newleaf.bash; newleaf() { printf '<%s>' "$@"; }; echo ready\n`);
    await terminal.screen.shows(/[\r\n]ready/);
    terminal.type('newleaf inst\tsi\t\t\n');
    await terminal.screen.shows('<install><signed/gw 1.pem>');
    terminal.type(
      `source enroll.bash; mkdir scripts; printf 'printf "{%%s}" "$@"' >scripts/enroll; chmod +x scripts/enroll; echo set\n`,
    );
    await terminal.screen.shows(/[\r\n]set/);
    terminal.type('scripts/enroll add ind\t--cert\tsi\t\t\n');
    await terminal.screen.shows('{add}{individual}{--certificate}{signed/gw 1.pem}');
    terminal.type('exit\n');
    assert.equal(await terminal.ended, 0);
  });
});
