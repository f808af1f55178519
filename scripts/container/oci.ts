import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = 'application/vnd.oci.image';

/**
 * Makes an OCI archive, the same to the byte each time, of an archive of Docker that is unpacked. By ourselves, because
 * buildah 1.39 leaves the health check out of an OCI image, and gives the files of the archive the time of the day. It has a
 * manifest.json as well, so `docker load` and `podman load` of any version take it.
 * @param moment of all files, in seconds since the epoch
 * @param tag as `newleaf:0.1.0`
 */
export async function archive(unpacked: string, moment: string, file: string, tag: string): Promise<void> {
  const [{ Config, Layers }] = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8'));
  const layout = await mkdtemp(join(dirname(unpacked), 'layout-'));
  const blobs = join('blobs', 'sha256');
  await mkdir(join(layout, blobs), { recursive: true });
  const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const sum = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(layout, blobs, sum), bytes);
    return { mediaType, digest: `sha256:${sum}`, size: bytes.length };
  };
  const pathOf = ({ digest }: Descriptor): string => join(blobs, digest.replace('sha256:', ''));
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

  const config = await put(
    `${OCI}.config.v1+json`,
    json(settled(JSON.parse(await readFile(join(unpacked, Config), 'utf8')))),
  );
  const layers: Descriptor[] = [];
  for (const layer of Layers)
    layers.push(await put(`${OCI}.layer.v1.tar+gzip`, gzipSync(await readFile(join(unpacked, layer)))));
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = await put(mediaType, json({ schemaVersion: 2, mediaType, config, layers }));
  const [name, version] = tag.split(':');
  const annotations = {
    'io.containerd.image.name': `docker.io/library/${name}:${version}`,
    'org.opencontainers.image.ref.name': version,
  };
  const files = {
    'oci-layout': json({ imageLayoutVersion: '1.0.0' }),
    'index.json': json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
    'manifest.json': json([{ Config: pathOf(config), RepoTags: [tag], Layers: layers.map(pathOf) }]),
  };
  for (const [path, bytes] of Object.entries(files)) await writeFile(join(layout, path), bytes);
  const modes = ['--sort=name', '--owner=root:0', '--group=root:0', '--mode=u=rwX,go=rX', `--mtime=@${moment}`];
  execFileSync('tar', [
    '--create',
    '--format=gnu',
    ...modes,
    '--file',
    file,
    '--directory',
    layout,
    'blobs',
    ...Object.keys(files),
  ]);
  await rm(layout, { recursive: true });
}

/**
 * The configuration without what buildah draws anew each time: the names of containers, and sums of directories in the history.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md; the health check is Docker's.
 */
function settled({ created, architecture, os, config, rootfs }: Record<string, unknown>): object {
  const { Hostname: _hostname, Image: _image, ...kept } = config as Record<string, unknown>;
  const history = (rootfs as { diff_ids: readonly string[] }).diff_ids.map(() => ({
    created,
    created_by: 'Dockerfile.arm64',
  }));
  return { created, architecture, os, config: kept, rootfs, history };
}

// scripts/container/archive: oci.ts UNPACKED MOMENT FILE TAG
if (process.argv[1] === import.meta.filename) {
  const [unpacked = '', moment = '', file = '', tag = ''] = process.argv.slice(2);
  await archive(unpacked, moment, file, tag);
}
