import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { instanceOf, parseConfig } from '../../../agent/config/config.ts';
import { accountOf, groupsIn, localAccount } from '../../../agent/machine/account.ts';
import { daemonAccount } from '../../../agent/machine/as-daemon.ts';
import { keptPin } from '../../../agent/machine/root-pin.ts';
import { asUser } from '../../../agent/machine/turn.ts';
import { unitIn } from '../../../agent/machine/unit.ts';
import { scratch } from '../state/disk.ts';

describe('the user of the daemon, in passwd(5)', () => {
  const found = { name: 'newleaf', uid: 990, gid: 991, home: '/var/lib/newleaf' };
  const rows: readonly (readonly [text: string, account: object | undefined])[] = [
    ['root:x:0:0:root:/root:/bin/sh\nnewleaf:x:990:991::/var/lib/newleaf:/usr/sbin/nologin\n', found],
    ['newleaf:x:990:991::/var/lib/newleaf:', found],
    ['newleaf2:x:990:991::/:', undefined],
    ['newleaf:x:990', undefined],
    ['newleaf:x::991::/:', undefined],
    ['+newleaf::::::', undefined],
    ['', undefined],
  ];
  for (const [text, account] of rows) {
    test(JSON.stringify(text), () => assert.deepEqual(accountOf('newleaf', text), account));
  }
  test('a machine without any users', () => assert.equal(localAccount('newleaf', '/nonexistent/passwd'), undefined));
});

describe('the unit, as systemctl show prints it', () => {
  const rows: readonly (readonly [said: string, environment: object, groups?: readonly string[]])[] = [
    ['Environment=\nSupplementaryGroups=\n', {}],
    ['SupplementaryGroups=tss 996\nEnvironment=A=1 B=/var/lib/x\n', { A: '1', B: '/var/lib/x' }, ['tss', '996']],
    ['Environment="A=two words" B=\n', { A: 'two words', B: '' }],
    ['Environment="A=a \\"b\\" \\\\ c" B=x=y\n', { A: 'a "b" \\ c', B: 'x=y' }],
    ['Environment=nonsense =1 1A=2\n', {}],
  ];
  for (const [said, environment, groups = []] of rows) {
    test(JSON.stringify(said), () => assert.deepEqual(unitIn(`LoadState=loaded\n${said}`), { environment, groups }));
  }

  test('there is none', () => assert.equal(unitIn('LoadState=not-found\nEnvironment=\n'), undefined));
});

test('groups of group(5), by name or number; the others give no right', () => {
  const text = 'root:x:0:\ntss:x:105:newleaf\nodd:x:\n';
  assert.deepEqual(groupsIn(text, ['tss', '996', 'odd', 'absent']), [105, 996]);
});

test('without the user newleaf, or for an experiment elsewhere, a process stays who it is', () => {
  const at = (directory: string) =>
    parseConfig(
      `dps.id_scope = "0ne"\ndps.registration_id = "gw"\nhsm.module = "/m.so"\nhsm.token = "t"\nleaf.issuer = "hub"\nstate.directory = "${directory}"\n`,
      'x.toml',
    ).config;
  assert.equal(daemonAccount('/root/x.toml', at('/root/state')), undefined);
});

test('by setpriv(1), too, a command of root gives up its user, and takes all groups of the account', () => {
  const [program, ...args] = asUser(
    { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' },
    { environment: {}, groups: ['4711'] },
    '--pdeathsig=KILL',
  );
  assert.deepEqual([program, ...args.slice(0, 2)], ['setpriv', '--reuid=65534', '--regid=65534']);
  assert.match(args.slice(2).join(' '), /^--groups=65534,4711 --pdeathsig=KILL --$/);
});

test('the PIN that root keeps: that of the file goes before that of the unit, and both before none', async (t) => {
  const directory = scratch(t);
  const [pin, credential, sealed] = ['pin', 'credential', 'sealed'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const kept = () => keptPin({ ...instanceOf('/root/x.toml'), pin, credential, sealed });
  assert.equal(await kept(), undefined);
  writeFileSync(credential, '2222\n');
  assert.equal(await kept(), '2222');
  writeFileSync(pin, '1111\n');
  assert.equal(await kept(), '1111');
});
