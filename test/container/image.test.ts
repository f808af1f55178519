import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtImage, ownEngine } from './own-engine.ts';

const { engine, image } = await ownEngine();

const ROOT = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const inside = (path: string) => join(image, 'rootfs', path);

test('it is one layer of 150 MB at most, with SoftHSM', async () => {
  const { out } = await engine.call('image', 'inspect', 'newleaf', '--format={{.Size}} {{len .RootFS.Layers}}');
  const [bytes = 0, layers] = out.trim().split(' ').map(Number);
  assert.equal(layers, 1);
  assert.ok(bytes < 150_000_000, `${bytes}`);
});

test('the same source, with one moment for all entries, is the same layer', (t) => {
  const again = builtImage();
  t.after(() => rmSync(again, { recursive: true, force: true }));
  const layersOf = (directory: string): readonly string[] =>
    JSON.parse(readFileSync(join(directory, 'image.json'), 'utf8')).OCIv1.rootfs.diff_ids;
  assert.equal(layersOf(image).length, 1);
  assert.deepEqual(layersOf(again), layersOf(image));
});

test('scanners find newleaf, its Node and its packages: by dpkg, and by CycloneDX', async () => {
  const bill = JSON.parse(readFileSync(inside('usr/share/doc/newleaf/newleaf.cdx.json'), 'utf8'));
  const known: readonly string[] = bill.components.map(({ purl }: { readonly purl: string }) => purl);
  const node = (await engine.call('run', '--rm', '--entrypoint=/usr/lib/newleaf/node', 'newleaf', '--version')).out;
  for (const purl of [`pkg:generic/node@${node.trim().slice(1)}`, 'pkg:npm/azure-iot-device@', 'pkg:npm/pkcs11js@'])
    assert.ok(
      known.some((one) => one.startsWith(purl)),
      purl,
    );
  assert.equal(bill.metadata.component.version, version);
  const own = readFileSync(inside('var/lib/dpkg/status.d/newleaf'), 'utf8');
  assert.match(own, new RegExp(`^Package: newleaf\\nVersion: ${version.replaceAll('.', '\\.')}\\n`));
  const { out } = await engine.call('image', 'inspect', 'newleaf', '--format={{json .Config.Labels}}');
  const labels = JSON.parse(out);
  assert.equal(labels['org.opencontainers.image.version'], version);
  assert.match(labels['org.opencontainers.image.base.name'], /debian/);
});

test('each package that dpkg lists is there, with its licence, and the others are not', () => {
  const status = readFileSync(inside('var/lib/dpkg/status'), 'utf8')
    .split('\n\n')
    .filter((one) => one.trim() !== '');
  const packages = status.map((one) => /^Package: (.*)$/m.exec(one)?.[1] ?? '');
  for (const name of ['libc6', 'libssl3t64', 'libengine-pkcs11-openssl', 'softhsm2', 'util-linux'])
    assert.ok(packages.includes(name), name);
  for (const name of ['apt', 'dpkg', 'perl-base', 'bash', 'passwd', 'systemd'])
    assert.ok(!packages.includes(name), name);
  assert.ok(status.every((one) => /^Status: install ok installed$/m.test(one)));
  const listed = readdirSync(inside('var/lib/dpkg/info')).filter((name) => name.endsWith('.list'));
  assert.equal(listed.length, packages.length);
  const withoutLicence = [...packages, 'newleaf', 'ca-certificates'].filter(
    (name) => !existsSync(inside(`usr/share/doc/${name}/copyright`)),
  );
  assert.deepEqual(withoutLicence, []);
});
