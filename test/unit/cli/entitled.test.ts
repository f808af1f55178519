import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readerOf, type ScreenReader, sudoFor } from '../../../agent/cli/entitled.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { rewritten } from '../../../agent/machine/printed.ts';

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
    ['any user of a container: it has no sudo', { NEWLEAF_CONTAINER: '1' }, as(1000), { isRoot: true, mayAsk: true }],
  ];

for (const [name, env, me, reader] of READERS)
  test(`who reads: ${name}`, () => assert.deepEqual(readerOf(env, account, me), reader));

const toldTo =
  (reader: ScreenReader, isExperiment = false) =>
  (text: string) =>
    rewritten(text, sudoFor(reader, isExperiment));

const stranger = toldTo({ isRoot: false, mayAsk: false });
const TEXTS: readonly (readonly [text: string, told: string])[] = [
  ['Run `systemctl start newleaf`. If', 'Run `sudo systemctl start newleaf`. If'],
  ['`newleaf install FILE`', '`sudo newleaf install FILE`'],
  ['Then run `newleaf decommission` again.', 'Then run `sudo newleaf decommission` again.'],
  ['To keep it off: `systemctl disable newleaf`', 'To keep it off: `sudo systemctl disable newleaf`'],
  ['`systemctl --no-block stop newleaf`', '`sudo systemctl --no-block stop newleaf`'],
  ['`systemctl unmask newleaf` if it is masked', '`sudo systemctl unmask newleaf` if it is masked'],
  ['See `newleaf --instance plant check`.', 'See `sudo newleaf --instance plant check`.'],
  ['`newleaf uplink add NAME`', '`sudo newleaf uplink add NAME`'],
  ['`newleaf check dps-reach hub-reach`', '`sudo newleaf check dps-reach hub-reach`'],
  ['`journalctl -u newleaf -n 20`', '`sudo journalctl -u newleaf -n 20`'],
  ['`systemd-sysusers`, `rm /x`', '`sudo systemd-sysusers`, `sudo rm /x`'],
  ['Install it (`apt-get install softhsm2`)', 'Install it (`sudo apt-get install softhsm2`)'],
];

const AS_THEY_ARE: readonly string[] = [
  '`newleaf config` shows it',
  'See `newleaf --instance plant config`.',
  'See `systemctl status newleaf`, `timedatectl`, `df -h /run`.',
  'An experiment of your own: `newleaf init --config FILE`',
  '`newleaf help init`',
  'In prose newleaf check is no command, nor is systemctl restart newleaf.',
];

for (const [text, told] of TEXTS) {
  test(`read by a user without rights: ${text}`, () => {
    assert.equal(stranger(text), told);
    assert.equal(stranger(told), told, 'said once');
  });
}

for (const text of AS_THEY_ARE) test(`needs no right: ${text}`, () => assert.equal(stranger(text), text));

test('a user of the group asks the daemon without sudo; root needs none; an experiment is of its user', () => {
  const text = 'Run `newleaf roll`, `newleaf check`, `newleaf uplink list`, `systemctl restart newleaf`.';
  const group = 'Run `newleaf roll`, `sudo newleaf check`, `newleaf uplink list`, `sudo systemctl restart newleaf`.';
  assert.equal(toldTo({ isRoot: false, mayAsk: true })(text), group);
  assert.equal(toldTo({ isRoot: true, mayAsk: true })(text), text);
  const own = 'Run `newleaf roll`, `newleaf check`, `newleaf uplink list`, `sudo systemctl restart newleaf`.';
  assert.equal(toldTo({ isRoot: false, mayAsk: true }, true)(text), own);
});

test('no advice in the table of failures has sudo: who reads it decides', () => {
  for (const [code, { advice }] of Object.entries(CODES))
    assert.doesNotMatch(advice, /\bsudo newleaf|sudo systemctl/, code);
});
