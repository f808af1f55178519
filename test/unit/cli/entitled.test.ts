import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOR_GROUP, FOR_ROOT, readerOf, type ScreenReader, sudoFor } from '../../../agent/cli/entitled.ts';
import { namesOf } from '../../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../../agent/cli/table.ts';
import { CODES } from '../../../agent/failure/failure.ts';

const account = { name: 'newleaf', uid: 990, gid: 991, home: '/var/lib/newleaf' };
const as = (uid: number, groups: readonly number[] = []) =>
  Object.assign(Object.create(process), { geteuid: () => uid, getgroups: () => groups }) as NodeJS.Process;

const READERS: readonly (readonly [name: string, env: NodeJS.ProcessEnv, me: NodeJS.Process, reader: ScreenReader])[] =
  [
    ['root at a console', {}, as(0), { isRoot: true, mayAsk: true }],
    [
      'root by sudo: the next command is typed in the shell before it',
      { SUDO_UID: '1000' },
      as(0),
      { isRoot: false, mayAsk: false },
    ],
    ["the daemon's own user", {}, as(990), { isRoot: true, mayAsk: true }],
    ['a user in its group', {}, as(1000, [1000, 991]), { isRoot: false, mayAsk: true }],
    ['any other user', {}, as(1000, [1000]), { isRoot: false, mayAsk: false }],
  ];

for (const [name, env, me, reader] of READERS)
  test(`who reads: ${name}`, () => assert.deepEqual(readerOf(env, account, me), reader));

const stranger = sudoFor({ isRoot: false, mayAsk: false });
const TEXTS: readonly (readonly [text: string, told: string])[] = [
  ['Run `systemctl start newleaf`. If', 'Run `sudo systemctl start newleaf`. If'],
  ['newleaf install FILE', 'sudo newleaf install FILE'],
  ['Then run newleaf decommission again.', 'Then run sudo newleaf decommission again.'],
  ['To keep it off: systemctl disable newleaf', 'To keep it off: sudo systemctl disable newleaf'],
  ['See `newleaf --instance plant check`.', 'See `sudo newleaf --instance plant check`.'],
  ['newleaf uplink add NAME', 'sudo newleaf uplink add NAME'],
  ['`journalctl -u newleaf -n 20`', '`sudo journalctl -u newleaf -n 20`'],
  ['`newleaf config` shows it', '`newleaf config` shows it'],
  ['newleaf tries again by itself.', 'newleaf tries again by itself.'],
  ['a token that newleaf init has made', 'a token that newleaf init has made'],
];

for (const [text, told] of TEXTS) {
  test(`read by a user without rights: ${text}`, () => {
    assert.equal(stranger(text), told);
    assert.equal(stranger(told), told, 'said once');
  });
}

test('a user of the group asks the daemon without sudo; root needs none; an experiment is of its user', () => {
  const text = 'Run `newleaf roll`, `newleaf check`, `systemctl restart newleaf`.';
  const told = (reader: ScreenReader, isExperiment = false) => sudoFor(reader, isExperiment)(text);
  const group = 'Run `newleaf roll`, `sudo newleaf check`, `sudo systemctl restart newleaf`.';
  assert.equal(told({ isRoot: false, mayAsk: true }), group);
  assert.equal(told({ isRoot: true, mayAsk: true }), text);
  const own = 'Run `newleaf roll`, `newleaf check`, `sudo systemctl restart newleaf`.';
  assert.equal(told({ isRoot: false, mayAsk: true }, true), own);
});

test('each command of the table is for root, for the group, or for all', () => {
  const forAll = ['config', 'version', 'run'];
  assert.deepEqual([...FOR_ROOT, ...FOR_GROUP, ...forAll].toSorted(), namesOf(NEWLEAF).toSorted());
});

test('no advice in the table of failures has sudo: who reads it decides', () => {
  for (const [code, { advice }] of Object.entries(CODES))
    assert.doesNotMatch(advice, /\bsudo newleaf|sudo systemctl/, code);
});
