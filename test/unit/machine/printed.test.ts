import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PrintedCommand, rewritten } from '../../../agent/machine/printed.ts';

/** The commands that a text holds. */
function commandsIn(text: string): readonly PrintedCommand[] {
  const found: PrintedCommand[] = [];
  const seen = rewritten(text, (command) => {
    found.push(command);
    return command;
  });
  assert.equal(seen, text, 'a command that does not change leaves its text as it was');
  return found;
}

const of = (program: string, ...args: readonly string[]): PrintedCommand => ({ sudo: false, program, args });

const TEXTS: readonly (readonly [text: string, commands: readonly PrintedCommand[]])[] = [
  ['Run `newleaf check`.', [of('newleaf', 'check')]],
  ['`newleaf csr`, then `newleaf install FILE`.', [of('newleaf', 'csr'), of('newleaf', 'install', 'FILE')]],
  ['`sudo systemctl stop newleaf`', [{ ...of('systemctl', 'stop', 'newleaf'), sudo: true }]],
  ['`df -h /run`, `dmesg`', [of('df', '-h', '/run'), of('dmesg')]],
  ['`sudo`', [of('sudo')]],
  ['a line was broken in `newleaf\n  status`', [of('newleaf', 'status')]],
  ['{"advice":"See `newleaf check`.","cause":"ENOENT"}', [of('newleaf', 'check')]],
  ['csr` is the end of a line, and `newleaf status`', [of('newleaf', 'status')]],
  ['newleaf check, without marks', []],
  ['a place: `/etc/newleaf/pin`', [of('/etc/newleaf/pin')]],
  ['a `/two words`, a `NAME`, an empty `` and ` one', []],
  ['', []],
];

for (const [text, commands] of TEXTS)
  test(`commands in: ${JSON.stringify(text)}`, () => assert.deepEqual(commandsIn(text), commands));

test('a command that changes is written anew, and the text around it stays', () => {
  const change = ({ args }: PrintedCommand): PrintedCommand => ({
    sudo: true,
    program: 'other',
    args: ['-x', ...args],
  });
  assert.equal(rewritten('a  `newleaf   b` c', change), 'a  `sudo other -x b` c');
});
