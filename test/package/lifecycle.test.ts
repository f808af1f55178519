import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Gateway } from '../e2e/stage/gateway.ts';
import { site } from '../e2e/stage/site.ts';
import { build, debian, NATIVE, type Root } from './installed.ts';

const CONFIGURATION = '/etc/newleaf/newleaf.toml';

/** With what the package depends on. /tmp of the root is that of this machine. */
function install(root: Root, deb: string): void {
  const copy = join(tmpdir(), `newleaf-${process.pid}.deb`);
  copyFileSync(deb, copy);
  root.run('apt-get', 'install', '--yes', '--no-install-recommends', copy);
  rmSync(copy);
}

/** What somebody does after the first installation, with state where the package expects it. */
function configure(root: Root, gateway: Gateway): void {
  const toml = readFileSync(gateway.configuration, 'utf8');
  writeFileSync(root.path(CONFIGURATION), toml.replace(/^state\.directory.*\n/m, ''));
  copyFileSync(join(gateway.directory, 'pin'), root.path('/etc/newleaf/pin'));
}

/** Runs the daemon that is installed, and has it roll. */
async function works(gateway: Gateway): Promise<void> {
  await gateway.start();
  const { leaf } = await gateway.settled();
  const roll = await gateway.command('roll', '--wait');
  assert.equal(roll.code, 0, roll.err);
  assert.notEqual((await gateway.settled()).leaf?.thumbprint, leaf?.thumbprint);
  assert.equal(await gateway.stop(), 0);
}

/** A gateway that is what is installed in the root, and has been through `init`. */
async function provisioned(t: TestContext, root: Root): Promise<Gateway> {
  const { gateway } = await site(t, { program: root.command('newleaf') });
  const { code, out } = await gateway.command('init');
  assert.equal(code, 0, out);
  return gateway;
}

suite('the life of a package', () => {
  test('install, configure, change the flavour, remove, purge', async (t) => {
    const root = debian(t);
    const deb = build('deb', NATIVE);
    install(root, deb);
    assert.match(root.run('id', 'newleaf'), /newleaf/);
    assert.match(root.run('newleaf', 'version'), /node v24\./);
    const caches = root.run('sh', '-c', "stat -c '%n %U %a' /usr/lib/newleaf/*.cache");
    assert.equal(caches, '/usr/lib/newleaf/daemon.cache root 644\n/usr/lib/newleaf/quick.cache root 644\n');
    assert.ok(readdirSync(root.path('/etc/systemd/system/multi-user.target.wants')).includes('newleaf.service'));
    assert.throws(
      () => root.run('newleaf', 'run'),
      /ended with 2.*NL-CONFIG This gateway is not set up yet\.\s+\S+ newleaf init/s,
    );

    const gateway = await provisioned(t, root);
    await works(gateway);
    configure(root, gateway);
    const configuration = readFileSync(root.path(CONFIGURATION), 'utf8');

    root.run('apt-get', 'update');
    install(root, build('deb-nodejs', NATIVE));
    assert.match(root.run('newleaf', 'version'), /node v20\./);
    assert.equal(readFileSync(root.path(CONFIGURATION), 'utf8'), configuration);
    await works(gateway);

    root.run('dpkg', '--remove', 'newleaf');
    assert.equal(existsSync(root.path('/usr/lib/newleaf')), false, 'what postinst has made goes, too');
    assert.equal(readFileSync(root.path(CONFIGURATION), 'utf8'), configuration);
    const keys = gateway.token.privateKeys();
    assert.equal(keys.length, 1);

    writeFileSync(root.path('/etc/newleaf/so-pin'), '');
    // A purge that ends at its question: dpkg has removed the configuration, and installs the one of the package.
    const [asks, away] = ['/usr/share/debconf/frontend', '/usr/share/debconf/frontend.away'];
    root.run('mv', asks, away);
    writeFileSync(root.path(asks), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    assert.throws(() => root.run('dpkg', '--purge', 'newleaf'), /post-removal script/);
    root.run('mv', away, asks);
    install(root, deb);
    root.run('dpkg', '--remove', 'newleaf');

    for (const name of ['state.json', 'leaf.pem', 'token.of.somebody']) {
      writeFileSync(root.path(`/var/lib/newleaf/${name}`), '');
    }
    const { environment } = gateway.token.hsm;
    const said = root.runWith(environment, 'dpkg', '--purge', 'newleaf');
    const byHand = /newleaf-a and newleaf-b stay in the token newleaf.*\n {2}(for type .*)\n/.exec(said)?.[1] ?? said;
    assert.match(byHand, /for type in cert privkey pubkey;/);
    assert.match(said, /under another hsm\.label_prefix before are not among them/);
    assert.deepEqual(gateway.token.privateKeys(), keys);
    assert.deepEqual(readdirSync(root.path('/etc/newleaf')).toSorted(), ['pin', 'so-pin'], 'as nobody else has them');
    assert.ok(!existsSync(root.path('/var/lib/newleaf/state.json')));
    assert.ok(existsSync(root.path('/var/lib/newleaf/token.of.somebody')));

    // The line that is printed destroys them. Their files belong to the daemon.
    const token = join(gateway.token.hsm.directory, 'tokens');
    const copy = join(gateway.token.hsm.directory, 'copy');
    cpSync(token, copy, { recursive: true });
    root.run('chown', '-R', 'newleaf:', gateway.token.hsm.directory);
    root.runWith(environment, 'sh', '-c', `${byHand}; true`);
    assert.deepEqual(gateway.token.privateKeys(), []);
    rmSync(token, { recursive: true });
    renameSync(copy, token);

    install(root, deb);
    configure(root, gateway);
    root.run('sh', '-c', 'echo newleaf newleaf/destroy-keys boolean true | debconf-set-selections');
    root.runWith(environment, 'dpkg', '--remove', 'newleaf');
    assert.deepEqual(gateway.token.privateKeys(), keys);
    // The token belongs to the daemon, and so do the hands that its module gets into.
    const seen = join(gateway.token.hsm.directory, 'seen');
    root.run('chown', '-R', 'newleaf:', gateway.token.hsm.directory);
    const spy = `#!/bin/sh\nid -un >>${seen}\nexec /usr/bin/pkcs11-tool "$@"\n`;
    writeFileSync(root.path('/usr/local/bin/pkcs11-tool'), spy, { mode: 0o755 });
    assert.match(root.runWith(environment, 'dpkg', '--purge', 'newleaf'), /are destroyed/);
    assert.match(readFileSync(seen, 'utf8'), /^(newleaf\n)+$/);
    assert.deepEqual(gateway.token.privateKeys(), []);
    assert.ok(!existsSync(root.path('/etc/newleaf')));
  });
});
