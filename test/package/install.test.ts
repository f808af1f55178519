import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { site } from '../e2e/stage/site.ts';
import { build, debian, NATIVE, type Root } from './installed.ts';

const PREFIX = '/data/newleaf';
const UNIT = '/etc/systemd/system/newleaf.service';

/** The commands of a small system, before all others. */
const SMALL = 'mkdir /small && /bin/busybox --install -s /small';
const small = (command: string): readonly string[] => ['sh', '-c', `PATH=/small:/usr/sbin:/usr/bin; ${command}`];

/** The same, where nothing but /data can be written. */
const readOnly = (command: string): readonly string[] =>
  small(`mount --bind / /mnt && mount -o remount,ro,bind /mnt && for part in data proc tmp; do
    mount --bind /$part /mnt/$part; done && exec chroot /mnt ${command}`);

const programs = (root: Root): readonly string[] => readdirSync(root.path(`${PREFIX}/program`));

suite('install.sh, on a system without packages', () => {
  test('first installation, upgrade with a read-only root, removal', async (t) => {
    const root = debian(t);
    execFileSync('tar', [
      '-xzf',
      build('tar', NATIVE),
      '--one-top-level=unpacked',
      '--strip-components=1',
      '-C',
      root.directory,
    ]);
    copyFileSync('/bin/busybox', root.path('/bin/busybox'));
    root.run('sh', '-c', `${SMALL} && mkdir /data`);
    const script = '/unpacked/install.sh';

    assert.throws(() => root.run(...readOnly(`sh ${script} --prefix ${PREFIX}`)), /mount -o remount,rw/);
    assert.throws(() => root.run(...small(`sh ${script} --prefix /dev/shm/newleaf`)), /is in memory/);
    for (const wrong of ['data', '/', "'/data/my newleaf'", '', "'/data|x'"]) {
      assert.throws(() => root.run(...small(`sh ${script} --prefix ${wrong}`)), /--prefix/);
    }
    assert.match(
      root.run(...small(`sh ${script} --prefix ${PREFIX}`)),
      /newleaf [\d.]+ is in \/data\/newleaf\/program/,
    );
    assert.equal(readlinkSync(root.path('/etc/newleaf')), `${PREFIX}/etc`);
    const modes = root.run('stat', '-c', '%U:%G %a', `${PREFIX}/state`, `${PREFIX}/state/inbox`);
    assert.equal(modes, 'newleaf:newleaf 750\nnewleaf:newleaf 2770\n');
    const caches = root.run('sh', '-c', `stat -c '%U %a' ${PREFIX}/program/*/*.cache`);
    assert.equal(caches, 'root 644\nroot 644\n', 'what V8 makes of the program');
    const unit = readFileSync(root.path(UNIT), 'utf8');
    assert.match(unit, /^ExecStart=\/data\/newleaf\/bin\/newleaf run$/m);
    assert.match(unit, /^RequiresMountsFor=\/data\/newleaf$/m);
    assert.doesNotMatch(unit, /\/var\/lib\/newleaf|\/usr\/(bin|share)\/newleaf|StateDirectory/);

    const { gateway } = await site(t, { program: root.command('newleaf') });
    const { code, out } = await gateway.command('init');
    assert.equal(code, 0, out);

    // What a daemon in the hands of somebody else could leave for root to stumble over.
    root.run('sh', '-c', `cd ${PREFIX}/state && rmdir inbox && ln -s /etc/shadow inbox && chown -h newleaf: inbox`);
    const configuration = root.path(`${PREFIX}/etc/newleaf.toml`);
    writeFileSync(configuration, '# mine');
    assert.match(root.run(...readOnly(`sh ${script}`)), /is in/);
    assert.equal(readFileSync(configuration, 'utf8'), '# mine');
    assert.match(root.run('stat', '-c', '%U %a', '/etc/shadow'), /^root 6[04]0$/m);
    assert.equal(programs(root).length, 2);
    assert.throws(() => root.run('sh', '-c', `ulimit -f 20000; sh ${script}`), /ended with/, 'the disk is full');
    assert.match(root.run('newleaf', 'version'), /^newleaf/);
    root.run(...readOnly(`sh ${script}`));
    assert.equal(programs(root).length, 2, 'what is neither this nor the one before is gone');

    writeFileSync(root.path(UNIT), '# of another version');
    assert.throws(() => root.run(...readOnly(`sh ${script}`)), /remount,rw/);
    root.run(...small(`sh ${script}`));
    assert.equal(readFileSync(root.path(UNIT), 'utf8'), unit);

    root.run(...small(`sh ${script} --uninstall`));
    assert.ok(!lstatSync(root.path('/etc/newleaf'), { throwIfNoEntry: false }));
    assert.deepEqual(readdirSync(root.path(PREFIX)).toSorted(), ['etc', 'state']);
    assert.ok(!existsSync(root.path(UNIT)));
  });
});
