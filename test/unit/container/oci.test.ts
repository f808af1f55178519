import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { archive } from '../../../scripts/container/oci.ts';
import { scratch } from '../state/disk.ts';

const CONFIG = {
  created: '2026-11-30T00:00:00Z',
  architecture: 'arm64',
  os: 'linux',
  config: { User: '990:990', Healthcheck: { Test: ['CMD', 'newleaf-container', 'alive'] } },
  rootfs: { type: 'layers', diff_ids: ['sha256:0'] },
  history: [{ created: '2026-11-30T00:00:00Z', created_by: 'Dockerfile.arm64' }],
};

/** As buildah writes it: with names that it draws anew each time. */
const drawn = (name: string): string =>
  JSON.stringify({
    ...CONFIG,
    container: name,
    container_config: { Hostname: name },
    config: { Hostname: name, Image: name, ...CONFIG.config },
    history: [{ created_by: `COPY dir:${name} in /`, empty_layer: true }],
  });

test('an archive of OCI: the same bytes each time, each blob under its sum, and the health check in it', async (t) => {
  const directory = scratch(t);
  const unpacked = join(directory, 'docker');
  mkdirSync(unpacked);
  writeFileSync(join(unpacked, 'layer.tar'), 'a layer');
  writeFileSync(join(unpacked, 'manifest.json'), JSON.stringify([{ Config: 'config.json', Layers: ['layer.tar'] }]));
  const files = ['one.tar', 'two.tar'].map((name) => join(directory, name));
  for (const file of files) {
    writeFileSync(join(unpacked, 'config.json'), drawn(file));
    await archive(unpacked, '1790000000', file, 'newleaf:0.1.0');
  }
  const [one, two] = files.map((file) => readFileSync(file));
  assert.ok(one !== undefined && two !== undefined && one.equals(two));

  const out = join(directory, 'out');
  mkdirSync(out);
  execFileSync('tar', ['-xf', files[0] ?? '', '-C', out]);
  const blobs = join(out, 'blobs', 'sha256');
  for (const name of readdirSync(blobs))
    assert.equal(
      createHash('sha256')
        .update(readFileSync(join(blobs, name)))
        .digest('hex'),
      name,
    );
  const json = (path: string) => JSON.parse(readFileSync(join(out, path), 'utf8'));
  const blob = ({ digest }: { readonly digest: string }) => readFileSync(join(blobs, digest.replace('sha256:', '')));
  const manifest = JSON.parse(blob(json('index.json').manifests[0]).toString());
  assert.deepEqual(JSON.parse(blob(manifest.config).toString()), CONFIG);
  assert.equal(gunzipSync(blob(manifest.layers[0])).toString(), 'a layer');
  const [{ Layers, RepoTags }] = json('manifest.json');
  assert.equal(gunzipSync(readFileSync(join(out, Layers[0]))).toString(), 'a layer', 'for `docker load`');
  assert.deepEqual(RepoTags, ['newleaf:0.1.0']);
});
