import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { build, NATIVE, onDisk } from './installed.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const recipe = readFileSync(join(ROOT, 'scripts', 'yocto', 'newleaf.bb'), 'utf8');

/** bitbake.conf of Yocto 5.0. */
const PLACES = {
  bindir: '/usr/bin',
  datadir: '/usr/share',
  libdir: '/usr/lib',
  localstatedir: '/var',
  nonarch_libdir: '/usr/lib',
  sysconfdir: '/etc',
  systemd_system_unitdir: '/usr/lib/systemd/system',
  PN: 'newleaf',
};

/** The same: FILES:${PN} of bitbake.conf, as far as anything is there. Units are added by systemd.bbclass. */
const PACKAGED = ['/usr/bin', '/usr/lib/newleaf', '/etc', '/usr/lib/systemd/system'];

/** The value of a variable, of all packages or of the one, with the names of places filled in. */
function written(name: string): string {
  const [, value] = recipe.match(new RegExp(`^${name}(?::\\$\\{PN\\})? \\+?= "(.*)"$`, 'm')) ?? [];
  assert.ok(value !== undefined, `the recipe has ${name}`);
  return value.replace(/\$\{(\w+)\}/g, (whole, place: keyof typeof PLACES) => PLACES[place] ?? whole);
}

/** Paths and modes of the files below a directory. */
const listing = (directory: string): readonly string[] =>
  execFileSync('find', ['.', '-type', 'f', '-printf', '%m %p\n'], { cwd: directory })
    .toString()
    .trimEnd()
    .split('\n')
    .sort();

/** Made for Debian only, or at another place there. */
const DEBIANS = /\.\/usr\/(share\/(doc|man|bash-completion|lintian)|lib\/sysusers\.d)\//;

/** `do_install` of the recipe, run as bitbake does: by sh, with -e. */
suite('Yocto', () => {
  const scratch = onDisk('yocto');
  const image = join(scratch, 'image');
  const unpacked = (form: 'deb' | 'tar') => join(scratch, form);

  test('the recipe puts into an image what the Debian package puts on a gateway', (t) => {
    t.after(() => rmSync(scratch, { recursive: true }));
    for (const directory of [image, unpacked('deb'), unpacked('tar')]) mkdirSync(directory);
    execFileSync('dpkg-deb', ['--extract', build('deb', NATIVE), unpacked('deb')]);
    execFileSync('tar', ['-xzf', build('tar', NATIVE), '--strip-components=1', `--directory=${unpacked('tar')}`]);

    const [, body = ''] = recipe.match(/^do_install\(\) \{\n(.*?)^\}/ms) ?? [];
    execFileSync('sh', ['-euc', body], { env: { PATH: process.env.PATH, ...PLACES, D: image, S: unpacked('tar') } });
    const wanted = listing(unpacked('deb')).filter((line) => !DEBIANS.test(line));
    assert.deepEqual(listing(image), wanted);
    for (const file of ['usr/bin/newleaf', 'usr/lib/systemd/system/newleaf.service', 'usr/lib/newleaf/newleaf.js']) {
      assert.equal(readFileSync(join(image, file), 'utf8'), readFileSync(join(unpacked('deb'), file), 'utf8'), file);
    }
    const taken = [...PACKAGED, ...written('FILES').split(' ')];
    const left = listing(image)
      .map((line) => line.replace(/^\d+ \./, ''))
      .filter((path) => !taken.some((place) => path.startsWith(`${place}/`)));
    assert.deepEqual(left, [], 'bitbake refuses files that are in no package');
    assert.ok(statSync(join(unpacked('tar'), 'LICENSE')).isFile());
  });

  test('its user is the user of sysusers.d, and its checksum that of the licence', () => {
    const sysusers = readFileSync(join(ROOT, 'systemd', 'newleaf.sysusers'), 'utf8');
    const groups = [...sysusers.matchAll(/^m newleaf (\w+)$/gm)].map(([, group]) => group);
    const user = written('USERADD_PARAM');
    assert.ok(user.includes(`--groups ${groups.join(',')} `), user);
    assert.equal(written('GROUPADD_PARAM'), groups.map((group) => `--system ${group}`).join('; '));
    const [, home] = sysusers.match(/^u newleaf - ".*" (\S+)$/m) ?? [];
    assert.ok(user.includes(`--home-dir ${home} `), user);
    const licence = createHash('md5')
      .update(readFileSync(join(ROOT, 'LICENSE')))
      .digest('hex');
    assert.equal(written('LIC_FILES_CHKSUM'), `file://LICENSE;md5=${licence}`);
    const units = written('SYSTEMD_SERVICE').split(' ');
    const there = execFileSync('ls', [join(ROOT, 'systemd')]).toString();
    assert.deepEqual(
      units.toSorted(),
      there
        .split('\n')
        .filter((name) => /\.(service|timer)$/.test(name))
        // With those of further daemons, which it makes of them.
        .flatMap((name) => [name, name.replace('.', '@.')])
        .sort(),
    );
  });
});
