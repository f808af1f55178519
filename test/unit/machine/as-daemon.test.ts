import assert from 'node:assert/strict';
import { chownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { instanceOf, parseConfig } from '../../../agent/config/config.ts';
import { accountOf, groupsIn, localAccount } from '../../../agent/machine/account.ts';
import { daemonAccount } from '../../../agent/machine/as-daemon.ts';
import { entrust } from '../../../agent/machine/give-directory.ts';
import { keptPin } from '../../../agent/machine/root-pin.ts';
import { asUser } from '../../../agent/machine/turn.ts';
import { unitIn } from '../../../agent/machine/unit.ts';

const NOBODY = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };
const isRoot = process.getuid?.() === 0;

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
  const [program, ...args] = asUser(NOBODY, { environment: {}, groups: ['4711'] }, '--pdeathsig=KILL');
  assert.deepEqual([program, ...args.slice(0, 2)], ['setpriv', '--reuid=65534', '--regid=65534']);
  assert.match(args.slice(2).join(' '), /^--groups=65534,4711 --pdeathsig=KILL --$/);
});

test('the PIN that root keeps: that of the file goes before that of the unit, and both before none', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-pin-'));
  t.after(() => rmSync(directory, { recursive: true }));
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

describe('a directory for the daemon', { skip: !isRoot }, () => {
  const within = (work: (directory: string) => Promise<void>) => async () => {
    const directory = mkdtempSync(join(tmpdir(), 'newleaf-entrust-'));
    await work(directory).finally(() => rmSync(directory, { recursive: true }));
  };
  const owner = (path: string) => lstatSync(path).uid;

  test(
    'is made where it is missing',
    within(async (directory) => {
      const path = join(directory, 'deep', 'state');
      await entrust(path, NOBODY, { mode: 0o700 });
      assert.deepEqual([owner(path), lstatSync(path).mode & 0o777], [NOBODY.uid, 0o700]);
      assert.equal(owner(join(directory, 'deep')), 0);
    }),
  );

  test(
    'is taken over from root with all that is in it where it is known, but not what links lead to',
    within(async (directory) => {
      const [state, outside] = [join(directory, 'state'), join(directory, 'outside')];
      mkdirSync(join(state, 'csr'), { recursive: true });
      writeFileSync(outside, '');
      writeFileSync(join(state, 'csr', 'x.pem'), '');
      symlinkSync(outside, join(state, 'soft'));
      linkSync(outside, join(state, 'hard'));
      await entrust(state, NOBODY, { mode: 0o700, known: state });
      for (const path of [state, join(state, 'csr'), join(state, 'csr', 'x.pem'), join(state, 'soft')]) {
        assert.equal(owner(path), NOBODY.uid, path);
      }
      assert.equal(owner(outside), 0);
    }),
  );

  test(
    'that holds something of root and is not known, or is of somebody else, is left alone',
    within(async (directory) => {
      const [held, other, file] = ['held', 'other', 'file'].map((name) => join(directory, name)) as [
        string,
        string,
        string,
      ];
      mkdirSync(held);
      writeFileSync(join(held, 'x'), '');
      mkdirSync(other);
      chownSync(other, 4711, 4711);
      writeFileSync(file, '');
      for (const path of [held, other, file]) await entrust(path, NOBODY, { mode: 0o700 });
      assert.deepEqual([owner(held), owner(other), owner(file)], [0, 4711, 0]);
    }),
  );
});
