import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { Ended } from '../stage/gateway.ts';
import { environment } from './machine.ts';
import { Stage } from './stage.ts';

/** Asserts the exit code, and returns what was said on stderr, in one line. */
function said({ code, out, err }: Ended, expected: number): string {
  assert.equal(code, expected, `${out}${err}`);
  return err.replaceAll(/\s+/g, ' ');
}

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init in a script', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());
    const init = (...options: readonly string[]) => stage.machine.newleaf(['init', ...options]);

    test('without a terminal and without --yes, it says what to do', async () => {
      const err = said(await init(), 2);
      assert.match(err, /NL-CONFIG .* newleaf cannot ask: .*--yes/);
    });

    test('with --yes alone, it names every flag that has no default', async () => {
      assert.match(said(await init('--yes'), 2), /no default for: --id-scope, --issuer\./);
      assert.match(
        said(await init('--yes', '--id-scope', '0ne', '--issuer', 'est'), 2),
        /no default for: --est-url, --est-ca\./,
      );
      assert.match(
        said(await init('--yes', '--id-scope', '0ne', '--issuer', 'inbox'), 2),
        /cannot ask which token to take\. Tokens here: none\..* --new-token softhsm/,
      );
      assert.equal(stage.machine.sh('ls /etc/newleaf | grep toml || true'), '', 'nothing was written');
    });

    test('all flags bring the gateway to its hub; called again, it changes nothing', async () => {
      const line = ['--yes', ...stage.flags, '--new-token', 'softhsm'];
      const { code, out, err } = await init(...line);
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(stage.rootsOwn(), '');
      const files = () => stage.machine.sh('cd /etc/newleaf && sha256sum newleaf.toml pin so-pin; ls');
      const before = files();
      assert.equal((await init(...line)).code, 0);
      const bySudo = await stage.machine.newleaf(['init'], '', { SUDO_UID: '1000' });
      assert.equal(bySudo.code, 0, 'a complete configuration needs no flag');
      assert.match(bySudo.out, /^ {4}sudo newleaf status$/m, 'its reader is not root');
      assert.equal(files(), before);
      assert.equal(stage.far.log.registrations('gw-0001'), 1);
    });

    test('a second daemon with the identity or the keys of the first is refused before anything is made', async () => {
      const { machine } = stage;
      assert.equal((await init('--yes', ...stage.flags, '--new-token', 'softhsm')).code, 0);
      machine.sh('mkdir /etc/newleaf/plant');
      machine.write('/etc/newleaf/plant/newleaf.toml', '[hsm]\nlabel_prefix = "newleaf"\n');
      const made = () => machine.sh('ls /var/lib/softhsm/tokens /etc/newleaf/plant');
      const before = made();
      const plant = (...options: readonly string[]) =>
        machine.newleaf(['--instance', 'plant', 'init', '--yes', ...stage.flags, ...options]);
      const sameId = await plant('--new-token', 'softhsm', '--token', 'plant');
      assert.match(said(sameId, 2), /NL-CONFIG dps\.registration_id is that of \/etc\/newleaf\/newleaf\.toml, too/);
      const sameKeys = await plant(
        '--registration-id',
        'gw-0002',
        '--token',
        'newleaf',
        '--pin-file',
        '/etc/newleaf/pin',
      );
      assert.match(said(sameKeys, 2), /NL-CONFIG hsm\.label_prefix is that of \/etc\/newleaf\/newleaf\.toml, too/);
      assert.equal(made(), before);
    });

    test('without the engine stunnel does TLS; without both, each way is named with its packages', async () => {
      const { machine } = stage;
      const line = ['--yes', ...stage.flags, '--new-token', 'softhsm'];
      const away = (what: string) =>
        machine.sh(`cd / && mkdir /root/away && tar cf /root/away/tar ${what} && rm -rf ${what}`);
      const back = () => machine.sh('cd / && tar xf /root/away/tar && rm -r /root/away');
      away('usr/lib/*/engines-3');
      const { code, out, err } = await init(...line);
      const check = await machine.newleaf(['check']);
      back();
      assert.equal(code, 0, `${out}${err}`);
      assert.match(check.out, /^ok +tls-handshake .*by stunnel/m);

      await stage.reset();
      away('usr/lib/*/engines-3 usr/lib/*/ossl-modules/pkcs11.so');
      const neither = await init(...line);
      back();
      assert.notEqual(neither.code, 0);
      const words = neither.err.replaceAll(/\s+/g, ' ');
      assert.match(
        words,
        /NL-TOKEN-ENGINE .* no pkcs11\.so in [^:]*\. In its place, .* no pkcs11-provider \(.*libengine-pkcs11-openssl`/,
      );
      assert.equal(machine.sh('ls /var/lib/softhsm/tokens; ls /etc/newleaf | grep pin || true'), '', 'before a token');
    });

    test('the PIN comes from stdin or a file, and is kept for the daemon', async () => {
      stage.machine.sh(
        'setpriv --reuid newleaf --regid newleaf --init-groups -- softhsm2-util --init-token --free --label mine --pin 4711 --so-pin 47114711',
      );
      const flags = ['--yes', ...stage.flags];
      assert.match(said(await init(...flags), 2), /no default for: --pin-file\./);
      assert.match(said(await init(...flags, '--pin-file', '-'), 2), /--pin-file must be .*: stdin is empty/);
      const { code, out, err } = await stage.machine.newleaf(['init', ...flags, '--pin-file', '-'], '4711\n');
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(stage.machine.sh('cat /etc/newleaf/pin'), '4711\n');
      assert.match(stage.machine.sh('cat /etc/newleaf/newleaf.toml'), /token = "mine"/);
    });

    test('a wrong PIN is tried once', async () => {
      stage.machine.sh(
        'setpriv --reuid newleaf --regid newleaf --init-groups -- softhsm2-util --init-token --free --label mine --pin 4711 --so-pin 47114711',
      );
      stage.machine.write('/root/pin', '1234\n', 0o600);
      const flags = ['--yes', ...stage.flags, '--pin-file', '/root/pin'];
      assert.match(said(await init(...flags), 4), /NL-TOKEN-PIN .*the PIN is wrong.* -> .*--pin-file/);
      assert.match(said(await init(...flags), 4), /NL-TOKEN-PIN .*was not tried again/);
      assert.equal(stage.machine.sh('ls /etc/newleaf/pin 2>/dev/null || true'), '', 'it is not kept');
    });

    test('a new token with the name of one whose PIN is not known', async () => {
      stage.machine.sh(
        'setpriv --reuid newleaf --regid newleaf --init-groups -- softhsm2-util --init-token --free --label newleaf --pin 4711 --so-pin 47114711',
      );
      const err = said(await init('--yes', ...stage.flags, '--new-token', 'softhsm'), 2);
      assert.match(err, /There is a token "newleaf" already, and its PIN is not known\. -> .*--pin-file.*--token/);
    });

    test('no module at all', async () => {
      const flags = ['--yes', ...stage.flags];
      stage.machine.sh(
        'cd / && tar cf /root/softhsm.tar usr/lib/softhsm usr/lib/*/softhsm && rm -rf usr/lib/softhsm usr/lib/*/softhsm',
      );
      const none = said(await init(...flags, '--new-token', 'softhsm'), 1);
      stage.machine.sh('tar xf /root/softhsm.tar -C /');
      assert.match(
        none,
        /NL-TOKEN-MODULE .* no module for SoftHSM\. .*apt-get install softhsm2.*run `newleaf init` again/,
      );
      const { code, err } = await init(...flags, '--new-token', 'softhsm');
      assert.equal(code, 0, err);
    });

    test('a token that was made with sudo: only root can use it, and that is said', async () => {
      stage.machine.sh('softhsm2-util --init-token --free --label mine --pin 4711 --so-pin 47114711');
      assert.match(said(await init('--yes', ...stage.flags), 2), /token "mine" \(SoftHSM\): only root can use it/);
    });

    test('a directory that is not there yet, and a umask that keeps everybody out', async () => {
      const { machine } = stage;
      machine.sh('mkdir /root/kept && cp /etc/newleaf/*.pem /etc/newleaf/given-password /root/kept');
      machine.sh('mv /etc/newleaf /root/before; chmod 755 /root /root/kept; chmod 644 /root/kept/*');
      const flags = stage.flags.map((word) => word.replace('/etc/newleaf/', '/root/kept/'));
      const { code, out, err } = await machine.newleaf(
        ['init', '--yes', ...flags, '--new-token', 'softhsm'],
        '',
        {},
        '077',
      );
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(machine.sh('stat -c "%a" /etc/newleaf'), '755\n');
      assert.equal(machine.sh('stat -c "%a" /etc/newleaf/newleaf.toml'), '644\n');
      machine.sh('rm -r /etc/newleaf && mv /root/before /etc/newleaf');
    });

    test('files that only root can read are copied for the daemon, and a file that was there stays', async () => {
      const { machine } = stage;
      machine.sh('mkdir -m 700 /root/only && cp -p /etc/newleaf/*.pem /etc/newleaf/given-password /root/only');
      const only = (flag: string) => stage.flags.map((word, at) => (stage.flags[at - 1] === flag ? moved(word) : word));
      const moved = (path: string) => path.replace('/etc/newleaf/', '/root/only/');
      machine.write('/etc/newleaf/est-ca.pem', 'another');
      const ca = await init('--yes', ...only('--est-ca'), '--new-token', 'softhsm');
      assert.equal(ca.code, 0, `${ca.out}${ca.err}`);
      assert.match(
        ca.out.replaceAll(/\s+/g, ' '),
        /est-ca\.pem is copied to \/etc\/newleaf\/est-ca-2\.pem: all users can read it\./,
      );
      assert.equal(machine.sh('cat /etc/newleaf/est-ca.pem'), 'another');
      machine.write('/etc/newleaf/est-ca.pem', stage.far.endpoints.estCaPem);
      assert.equal(machine.sh('stat -c "%a %U" /etc/newleaf/est-ca-2.pem'), '644 root\n');
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /ca_file = "\/etc\/newleaf\/est-ca-2\.pem"/);
      const { code, out, err } = await init('--yes', ...only('--est-password-file'), '--new-token', 'softhsm');
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(machine.sh('stat -c "%a %U" /etc/newleaf/est-password'), '600 newleaf\n');
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /password_file = "\/etc\/newleaf\/est-password"/);
      machine.sh('rm -r /root/only');
    });

    test('whoever is not root is told so at once, and root sets it up by what is printed', async () => {
      const [file = '', ...args] = stage.machine.argv(['newleaf', 'init'], 'daemon');
      const { status, stderr } = spawnSync(file, args, { encoding: 'utf8', env: environment() });
      assert.equal(status, 2);
      assert.match(stderr, /Only root can set up the daemon of this gateway\.\s+-> `sudo newleaf init`/);
      const { code, err } = await init('--yes', ...stage.flags, '--new-token', 'softhsm');
      assert.equal(code, 0, err);
    });

    test('a module that crashes is named, and takes nobody with it', async () => {
      const source = '__attribute__((constructor)) static void crash(void) { __builtin_trap(); }';
      stage.machine.sh(`printf '%s' '${source}' | cc -shared -fPIC -x c -o /usr/lib/libckteec.so.0 -`);
      const err = said(await init('--yes', ...stage.flags), 2);
      stage.machine.sh('rm /usr/lib/libckteec.so.0');
      assert.match(err, /\/usr\/lib\/libckteec\.so\.0: ended the process that had loaded it \(SIG(ILL|TRAP)\)/);
    });

    test('an EST server that does not accept the password ends it, and is told by name', async () => {
      stage.machine.write('/etc/newleaf/given-password', 'wrong', 0o600);
      assert.match(said(await init('--yes', ...stage.flags, '--new-token', 'softhsm'), 4), /NL-EST-AUTH .*401/);
      stage.machine.write('/etc/newleaf/given-password', stage.far.endpoints.estPassword, 0o600);
      assert.equal((await init()).code, 0, 'it goes on where it stopped');
    });
  });
}
