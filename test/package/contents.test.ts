import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { PACKAGED } from '../../scripts/pages/packaged.ts';
import { build, NATIVE } from './installed.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SCRIPTS = join(ROOT, 'scripts', 'deb');

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const field = (deb: string, name: string): string => execFileSync('dpkg-deb', ['--field', deb, name]).toString().trim();

/** Every file of both flavours: mode, path. All belong to root. */
const FILES = [
  '-rw-r--r-- ./etc/newleaf/newleaf.toml',
  '-rwxr-xr-x ./usr/bin/newleaf',
  '-rw-r--r-- ./usr/lib/newleaf/build/Release/pkcs11.node',
  ...['asn1js', 'daemon', 'newleaf', 'quick', 'rehearsal', 'tpm', 'uplink', 'websocket', 'whole'].map(
    (part) => `-rw-r--r-- ./usr/lib/newleaf/${part}.js`,
  ),
  '-rw-r--r-- ./usr/lib/newleaf/openssl.cnf',
  '-rw-r--r-- ./usr/lib/newleaf/package.json',
  ...Object.values(PACKAGED).map((name) => `-rw-r--r-- ./usr/share/doc/newleaf/${name}`),
  '-rw-r--r-- ./usr/share/doc/newleaf/changelog.gz',
  '-rw-r--r-- ./usr/share/doc/newleaf/copyright',
  '-rw-r--r-- ./usr/share/doc/newleaf/copyright.packages',
  '-rw-r--r-- ./usr/share/doc/newleaf/newleaf.cdx.json',
];

const NODE_OF_ITS_OWN = [
  '-rwxr-xr-x ./usr/lib/newleaf/node',
  '-rw-r--r-- ./usr/share/doc/newleaf/copyright.node',
  '-rw-r--r-- ./usr/share/lintian/overrides/newleaf',
];

/** Where a file of systemd/ goes, by its kind. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^newleaf\.sysusers$/, './usr/lib/sysusers.d/newleaf.conf'],
  [/^newleaf\.tmpfiles$/, './usr/lib/tmpfiles.d/newleaf.conf'],
  [/\.(service|socket|path|timer)$/, './usr/lib/systemd/system/$&'],
  [/^/, './usr/share/newleaf/$&'],
];

function unitFiles(): readonly string[] {
  const directory = join(ROOT, 'systemd');
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => !/\.(md|sed)$/.test(name));
  // instance.sed makes the units of further daemons.
  const instances = names.filter((name) => /\.(service|timer)$/.test(name)).map((name) => name.replace('.', '@.'));
  return [...names, ...instances].map((name) => {
    const [, to = ''] = UNITS.find(([kind]) => kind.test(name)) ?? [];
    return `-rw-r--r-- ${to.replace('$&', name)}`;
  });
}

/** What the build makes beside the program. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'newleaf.8': '-rw-r--r-- ./usr/share/man/man8/newleaf.8.gz',
  'newleaf.bash': '-rw-r--r-- ./usr/share/bash-completion/completions/newleaf',
};

function documents(): readonly string[] {
  return Object.entries(DOCUMENTS).flatMap(([name, file]) => (existsSync(join(ROOT, 'dist', name)) ? [file] : []));
}

function listing(deb: string): readonly string[] {
  const lines = execFileSync('dpkg-deb', ['--contents', deb]).toString().trimEnd().split('\n');
  return lines
    .filter((line) => !line.startsWith('d'))
    .map((line) => line.split(/\s+/))
    .map(([mode, owner, , , , path]) => (owner === 'root/root' ? `${mode} ${path}` : `${owner} ${path}`));
}

/** The part that is compiled. */
const nativeOf = (deb: string): Buffer => {
  const script = `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/lib/newleaf/build/Release/pkcs11.node`;
  return execFileSync('sh', ['-c', script, deb], { maxBuffer: 2 ** 24 });
};

suite('packages', () => {
  let first = '';
  const cases = [
    { form: 'deb', files: [...FILES, ...NODE_OF_ITS_OWN], version: /^\d+\.\d+\.\d+$/, depends: /^libc6/ },
    { form: 'deb-nodejs', files: FILES, version: /\+nodejs$/, depends: /^nodejs \(>= 20\.19\), libc6/ },
  ] as const;
  for (const { form, files, version, depends } of cases) {
    test(`${form}: contents and modes`, () => {
      const deb = build(form, NATIVE);
      if (form === 'deb') first = sha256(deb);
      assert.deepEqual(listing(deb).toSorted(), [...files, ...unitFiles(), ...documents()].toSorted());
      assert.ok(!nativeOf(deb).includes('libnode'), 'a gateway has no Node as a library: scripts/stubs/native');
      assert.match(field(deb, 'Version'), version);
      assert.match(field(deb, 'Depends'), depends);
      assert.match(field(deb, 'Depends'), /libc6 \(>= 2\.(2\d|3[0-4])\)/, 'runs on Debian 12, too');
      assert.match(field(deb, 'Depends'), /libengine-pkcs11-openssl, ca-certificates, systemd/);
      assert.equal(field(deb, 'Suggests'), 'stunnel4, pkcs11-provider', 'TLS where the engine is not there');
    });
  }

  test('a second build gives the same bytes, whatever the surroundings', () => {
    const surroundings = {
      TZ: 'Asia/Tokyo',
      LANG: 'de_DE.UTF-8',
      TMPDIR: '/var/tmp',
      COMPILE_ANEW: 'yes',
      NEWLEAF_BUILT: '',
    };
    assert.equal(sha256(build('deb', NATIVE, surroundings)), first);
  });

  test('the scripts of the package are POSIX shell', () => {
    for (const script of ['config', 'postinst', 'prerm', 'postrm']) execFileSync('dash', ['-n', join(SCRIPTS, script)]);
  });

  test('what the licences of the packages in it ask for is handed on', () => {
    const notices = readFileSync(join(ROOT, 'dist', 'notices.txt'), 'utf8');
    for (const name of ['azure-iot-device', 'mqtt-packet', 'pino', 'pkcs11js', 'tss.js']) {
      assert.match(notices, new RegExp(`^== ${name} \\d.*\\((MIT|Apache-2\\.0)\\)$`, 'm'));
    }
    assert.doesNotMatch(notices, /^== .*(undefined|GPL)/m);
    assert.doesNotMatch(notices, /^== (esbuild|tsx) /m, 'not in the bundle');
    for (const notice of notices.split(/^== /m).slice(1)) assert.match(notice, /copyright/i, notice.split('\n')[0]);
  });

  test('what cannot be made is refused with the usage', () => {
    for (const args of [[], ['deb'], ['deb', 'mips'], ['rpm', 'amd64']]) {
      assert.throws(
        () => execFileSync(join(ROOT, 'scripts', 'package'), args, { stdio: 'pipe' }),
        (error: { status?: number; stderr?: Buffer }) =>
          error.status === 2 && /scripts\/package .*FORM ARCHITECTURE/.test(String(error.stderr)),
      );
    }
  });
});
