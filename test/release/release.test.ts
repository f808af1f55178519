import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { onDisk } from '../package/installed.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const KEY = 'release@newleaf.invalid';

/** Every file below a directory, with its sum. */
const sums = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')} ${name}`,
    )
    .toSorted();

suite('a release', () => {
  test('made twice, it is the same to the byte; its signatures hold; of what is not committed there is none', (t) => {
    const directory = onDisk('release');
    const env = { ...process.env, GNUPGHOME: join(directory, 'gnupg') };
    t.after(() => {
      spawnSync('gpgconf', ['--kill', 'all'], { env });
      rmSync(directory, { recursive: true });
    });
    const clone = join(directory, 'clone');
    execFileSync('git', ['clone', '--quiet', ROOT, clone]);
    const release = (...argv: readonly string[]): { readonly status: number | null; readonly stderr: string } =>
      spawnSync(join(clone, 'scripts', 'release'), argv, { env, encoding: 'utf8', maxBuffer: 2 ** 26 });
    const made = (name: string): string => {
      const { status, stderr } = release(
        '--key',
        KEY,
        '--quick',
        '--without-node-site',
        '--untested',
        join(directory, name),
      );
      assert.equal(status, 0, stderr);
      return join(directory, name);
    };

    mkdirSync(env.GNUPGHOME, { mode: 0o700 });
    assert.match(release('--key', KEY, join(directory, 'one')).stderr, /no secret key .*--quick-generate-key/);
    // Older than the commit, whose time the signatures have.
    const key = [
      '--passphrase',
      '',
      '--faked-system-time',
      '1700000000',
      '--quick-generate-key',
      KEY,
      'ed25519',
      'sign',
      'never',
    ];
    execFileSync('gpg', ['--batch', '--quiet', ...key], { env, stdio: 'pipe' });
    writeFileSync(join(clone, 'README.md'), 'changed');
    assert.match(release('--key', KEY, join(directory, 'one')).stderr, /not committed/);
    execFileSync('git', ['checkout', '--quiet', '.'], { cwd: clone });
    assert.match(
      release('--key', KEY, join(directory, 'one')).stderr,
      /have not passed: check unit .*scripts\/test all/,
    );

    const one = made('one');
    const names = readdirSync(one);
    for (const kind of [
      /_amd64\.deb$/,
      /_arm64\.deb$/,
      /nodejs_arm64\.deb$/,
      /arm64\.tar\.gz$/,
      /amd64\.oci\.tar$/,
      /arm64\.oci\.tar$/,
      /arm64\.oci\.cdx\.json$/,
      /^newleaf-enroll/,
      /cdx\.json$/,
    ])
      assert.ok(
        names.some((name) => kind.test(name)),
        `${kind} of ${names}`,
      );
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: one });
    const verify = (file: string) =>
      spawnSync('gpg', ['--batch', '--verify', 'SHA256SUMS.asc', file], { cwd: one, env, encoding: 'utf8' });
    assert.equal(verify('SHA256SUMS').status, 0);
    const others = join(directory, 'others');
    writeFileSync(others, readFileSync(join(one, 'SHA256SUMS'), 'utf8').replace(/^./, 'x'));
    assert.match(verify(others).stderr, /BAD signature/);
    assert.match(release('--key', KEY, one).stderr, /has a release already/);
    assert.deepEqual(sums(made('two')), sums(one));
  });
});
