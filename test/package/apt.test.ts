import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { build, debian, NATIVE, onDisk, type Root } from './installed.ts';

const APT = join(import.meta.dirname, '..', '..', 'scripts', 'publish', 'apt');
const KEY = 'release@newleaf.invalid';

/** A repository that a static web server serves, and the one who publishes in it. */
class Publisher {
  readonly directory = onDisk('apt');
  readonly repository = join(this.directory, 'repository');
  readonly #env = { ...process.env, GNUPGHOME: join(this.directory, 'gnupg'), SOURCE_DATE_EPOCH: '1790000000' };

  constructor(t: TestContext) {
    t.after(() => {
      spawnSync('gpgconf', ['--kill', 'all'], { env: this.#env });
      rmSync(this.directory, { recursive: true });
    });
    mkdirSync(this.#env.GNUPGHOME, { mode: 0o700 });
    const made = [
      '--batch',
      '--quiet',
      '--passphrase',
      '',
      '--faked-system-time',
      '1780000000',
      '--quick-generate-key',
      KEY,
      'ed25519',
      'sign',
      'never',
    ];
    execFileSync('gpg', made, { env: this.#env, stdio: 'pipe' });
  }

  publish(...debs: readonly string[]): { readonly status: number | null; readonly stderr: string } {
    return spawnSync(APT, ['--key', KEY, this.repository, ...debs], { env: this.#env, encoding: 'utf8' });
  }

  /** The same package as another version. */
  as(version: string, deb: string): string {
    const tree = join(this.directory, 'tree');
    execFileSync('dpkg-deb', ['--raw-extract', deb, tree]);
    const control = join(tree, 'DEBIAN', 'control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
    const made = join(this.directory, `newleaf_${version}_${NATIVE}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z1', '--build', tree, made], { stdio: 'pipe' });
    rmSync(tree, { recursive: true });
    return made;
  }

  /** Serves the files, and no more. */
  async serve(t: TestContext): Promise<string> {
    const server = createServer(({ url = '' }, answer) => {
      try {
        answer.end(readFileSync(join(this.repository, decodeURIComponent(url))));
      } catch {
        answer.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

/** A gateway whose apt has this repository beside Debian's. */
function subscribe(root: Root, publisher: Publisher, url: string, component: string): void {
  copyFileSync(join(publisher.repository, 'newleaf.asc'), root.path('/etc/apt/keyrings/newleaf.asc'));
  writeFileSync(root.path('/etc/apt/apt.conf.d/99-local'), 'Acquire::http::Proxy::127.0.0.1 "DIRECT";\n');
  writeFileSync(
    root.path('/etc/apt/sources.list.d/newleaf.sources'),
    `Types: deb\nURIs: ${url}\nSuites: stable\nComponents: ${component}\nSigned-By: /etc/apt/keyrings/newleaf.asc\n`,
  );
}

const installed = (root: Root): string => root.run('dpkg-query', '--show', 'newleaf').trim().split('\t')[1] ?? '';
/** Beside this process, which serves. */
const apt = (root: Root, ...argv: readonly string[]): Promise<string> => root.runBeside('apt-get', ...argv);

suite('an apt repository', () => {
  test('install from it, upgrade from it; an upgrade keeps the flavour; what nobody has signed is refused', async (t) => {
    const publisher = new Publisher(t);
    const [deb, nodejs] = [build('deb', NATIVE), build('deb-nodejs', NATIVE)];
    const version = execFileSync('dpkg-deb', ['--field', deb, 'Version'], { encoding: 'utf8' }).trim();
    const next = version.replace(/\d+$/, (last) => String(Number(last) + 1));
    assert.deepEqual(publisher.publish(deb, nodejs).status, 0);
    const url = await publisher.serve(t);
    const root = debian(t);
    subscribe(root, publisher, url, 'main');
    await apt(root, 'update');
    await apt(root, 'install', '--yes', '--no-install-recommends', 'newleaf');
    assert.equal(installed(root), version);
    assert.match(root.run('newleaf', 'version'), /node v24\./);

    publisher.publish(publisher.as(next, deb), publisher.as(`${next}+nodejs`, nodejs));
    assert.deepEqual(readdirSync(join(publisher.repository, 'pool', 'main')), [
      basename(deb),
      `newleaf_${next}_${NATIVE}.deb`,
    ]);
    await apt(root, 'update');
    await apt(root, 'upgrade', '--yes');
    assert.equal(installed(root), next, 'and not the flavour of nodejs, whose version is newer to dpkg');

    const again = publisher.publish(publisher.as(next, nodejs));
    assert.equal(again.status, 1);
    assert.match(again.stderr, /in the repository already, and has other bytes/);

    const release = join(publisher.repository, 'dists', 'stable', 'InRelease');
    writeFileSync(release, readFileSync(release, 'utf8').replace(/^Suite: stable$/m, 'Suite: stale'));
    await assert.rejects(apt(root, 'update', '--error-on=any'), /signature|BADSIG|verif/i);
  });
});
