import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const root = dirname(import.meta.dirname);
const require = createRequire(import.meta.url);
const stub = (name: string): string => join(root, 'scripts', 'stubs', `${name}.cjs`);

/**
 * What packages get instead of the module they ask for. The whole SDK is 4.8 MB and 67 MiB in memory; what newleaf
 * uses of it is 0.3 MB and 48 MiB (Node 20). Keys are module names, or a package and the path that it asks for.
 */
const STUBS: Readonly<Record<string, string>> = {
  '@azure/storage-blob': stub('empty'),
  'azure-iot-http-base': stub('empty'),
  'es5-ext': stub('empty'),
  debug: stub('debug'),
  getos: stub('getos'),
  inherits: stub('inherits'),
  lodash: stub('lodash'),
  mqtt: stub('mqtt'),
  'number-allocator': stub('number-allocator'),
  'process-nextick-args': stub('process-nextick-args'),
  traverse: stub('traverse'),
  uuid: stub('uuid'),
  xtend: stub('xtend'),
  'azure-iot-device ./blob_upload': stub('blob-upload'),
  'azure-iot-device ./dist/module_client.js': stub('edge'),
  'azure-iot-device ./dist/iotedge_authentication_provider': stub('edge'),
  'azure-iot-device-mqtt url': stub('url'),
  'pino ./transport': stub('pino-transport'),
  'pino ./lib/transport': stub('pino-transport'),
  'pino worker_threads': stub('worker-threads'),
};

/** One copy, whoever asks: two of them are two number tables of mqtt-packet, and `instanceof` that fails. */
const ONE_COPY = ['azure-iot-common', 'azure-iot-mqtt-base', 'azure-iot-provisioning-device', 'mqtt-packet'];

/** The package that a file belongs to; undefined for our own. */
export function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

const slim: Plugin = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const from = packageOf(importer);
      const replaced = (from === undefined ? undefined : STUBS[`${from} ${path}`]) ?? STUBS[path];
      if (replaced !== undefined) return { path: replaced };
      if (path === 'readable-stream') return { path: 'node:stream', external: true };
      if (ONE_COPY.includes(path)) return { path: require.resolve(path) };
      return undefined;
    });
    // The SDK looks up its own name and version, and would carry all of its package.json for them.
    onLoad({ filter: /node_modules\/.*package\.json$/ }, async ({ path }) => {
      const { name, version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ name, version }), loader: 'json' };
    });
  },
};

/** The time of the commit, so that the same source gives the same file; SOURCE_DATE_EPOCH of reproducible-builds.org first. */
function builtAt(): number {
  const seconds =
    process.env.SOURCE_DATE_EPOCH ??
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
  return Number(seconds) * 1_000;
}

/**
 * Bundles `entry` into `directory`: newleaf.js (executable, CommonJS), package.json that says so, and the native part
 * of pkcs11js. Returns esbuild's account of what went in.
 *
 * Constants that are defined: NEWLEAF_VERSION (of package.json), NEWLEAF_BUILT_AT (milliseconds since the epoch).
 */
export async function bundle(entry: string, directory: string): Promise<Metafile> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const outfile = join(directory, 'newleaf.js');
  await rm(directory, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    metafile: true,
    external: ['*.node'],
    plugins: [slim],
    define: {
      NEWLEAF_VERSION: JSON.stringify(version),
      NEWLEAF_BUILT_AT: String(builtAt()),
      'import.meta.url': 'importMetaUrl',
      'import.meta.filename': '__filename',
      'import.meta.dirname': '__dirname',
    },
    banner: {
      js: '#!/usr/bin/env node\nconst importMetaUrl = require("node:url").pathToFileURL(__filename).href;',
    },
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
  await writeFile(join(directory, 'package.json'), '{"type":"commonjs"}\n');
  // pkcs11js 2.1.7 asks for it by this path, beside itself.
  const native = join('build', 'Release', 'pkcs11.node');
  await mkdir(dirname(join(directory, native)), { recursive: true });
  await copyFile(join(dirname(require.resolve('pkcs11js')), native), join(directory, native));
  return metafile;
}

if (process.argv[1] === import.meta.filename) await bundle(join(root, 'agent', 'main.ts'), join(root, 'dist'));
