import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { build, type Metafile, type Plugin, transform } from 'esbuild';
import { bundledIn } from './bundled.ts';
import { enrollCompletion, newleafCompletion } from './completion.ts';
import { ENROLL_MANUAL } from './man/enroll.ts';
import { NEWLEAF_MANUAL } from './man/newleaf.ts';
import { manualPage } from './man.ts';
import { noticesOf } from './notices.ts';
import { PACKAGED, packaged } from './pages/packaged.ts';

const root = dirname(import.meta.dirname);
const require = createRequire(import.meta.url);
const stub = (name: string): string => join(root, 'scripts', 'stubs', `${name}.cjs`);

/**
 * Replacements for modules that packages ask for. The whole SDK is 4.8 MB and 67 MiB in memory; the part that newleaf uses is
 * 0.3 MB and 48 MiB (Node 20). Keys are module names, or a package and the path that it asks for.
 */
const STUBS: Readonly<Record<string, string>> = {
  '@azure/storage-blob': stub('empty'),
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
  // hsm/engine.ts asks whether it runs on the main thread, and newleaf has no other.
  'node:worker_threads': stub('worker-threads'),
};

/** One copy for every importer: two of them are two number tables of mqtt-packet, and `instanceof` that fails. */
const ONE_COPY = ['azure-iot-common', 'azure-iot-mqtt-base', 'azure-iot-provisioning-device', 'mqtt-packet'];

/**
 * A CommonJS module is copied, name by name, for each file that imports it (esbuild 0.28.2, `__toESM`). pkcs11js has 650 names
 * and is imported by nine files: 1 MiB of getters, and 6 MiB of Node's own pages, because V8's optimizing compiler runs for
 * the loop. Its default export, loaded with `require`, is not copied.
 */
const UNCOPIED = /^pkcs11js$/;

/** The package that a file belongs to; undefined for our own. */
export function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

/**
 * What most daemons never load is bundled by itself: they do not carry it, not even as text. It has copies of what it shares with
 * the rest, so neither module state nor `instanceof` goes across (failure.ts).
 */
const APART: Readonly<Record<string, string>> = {
  [join(root, 'hsm', 'tpm', 'serve.ts')]: 'tpm.js',
  [join(root, 'agent', 'uplink', 'serving.ts')]: 'uplink.js',
  [join(root, 'agent', 'network', 'websocket.ts')]: 'websocket.js',
  // For PKCS#7 and the wishes of an EST server.
  asn1js: 'asn1js.js',
  // Only for what installs newleaf.
  [join(root, 'agent', 'rehearsal', 'play.ts')]: 'rehearsal.js',
  [join(root, 'agent', 'main.ts')]: 'whole.js',
  [join(root, 'agent', 'launch', 'daemon.ts')]: 'daemon.js',
  [join(root, 'agent', 'launch', 'quick.ts')]: 'quick.js',
};

const slim: Plugin = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
      const named = path.startsWith('.') ? join(resolveDir, path) : path;
      const apart = kind === 'dynamic-import' ? APART[named] : undefined;
      return apart === undefined ? undefined : { path: `./${apart}`, external: true };
    });
    onResolve({ filter: UNCOPIED }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'uncopied' } : undefined,
    );
    onLoad({ filter: UNCOPIED, namespace: 'uncopied' }, ({ path }) => ({
      contents: `export default require('${path}');`,
      resolveDir: root,
    }));
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
export function builtAt(): number {
  const seconds =
    process.env.SOURCE_DATE_EPOCH ??
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
  return Number(seconds) * 1_000;
}

/**
 * Bundles `entry` into `directory`: newleaf.js (executable, CommonJS), package.json that says so, and the native part of
 * pkcs11js. Returns esbuild's metafile.
 *
 * Constants that are defined: NEWLEAF_VERSION (of package.json), NEWLEAF_BUILT_AT (milliseconds since the epoch).
 */
export async function bundle(entry: string, directory: string): Promise<Metafile> {
  const metafile = await bundleFile(entry, join(directory, 'newleaf.js'));
  const native = join('build', 'Release', 'pkcs11.node');
  await put(join(directory, 'package.json'), (file) => writeFile(file, '{"type":"commonjs"}\n'));
  // pkcs11js 2.1.7 asks for it by this path, beside itself.
  await put(join(directory, native), (file) => copyFile(join(dirname(require.resolve('pkcs11js')), native), file));
  return metafile;
}

/** Bundles the separate files into `directory`. Returns esbuild's metafiles. */
export function bundleApart(directory: string): Promise<readonly Metafile[]> {
  return Promise.all(Object.entries(APART).map(([entry, name]) => bundleFile(entry, join(directory, name))));
}

/** Bundles `entry` into one executable file. */
async function bundleFile(entry: string, outfile: string): Promise<Metafile> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const isStarted = basename(outfile) === 'newleaf.js';
  const target = {
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    legalComments: 'none',
    // Else esbuild 0.28 makes `new RegExp` of them, and keeps an unused one: the emoji of valibot. A separate file is loaded
    // with `require`, whose names are found when it has run.
    supported: { 'regexp-unicode-property-escapes': true, 'dynamic-import': false },
  } as const;
  const { metafile, outputFiles } = await build({
    ...target,
    entryPoints: [entry],
    outfile,
    absWorkingDir: root,
    bundle: true,
    write: false,
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
      js: `${isStarted ? '#!/usr/bin/env node\n' : ''}const importMetaUrl = require("node:url").pathToFileURL(__filename).href;`,
    },
    logLevel: 'warning',
  });
  // In a second step: esbuild 0.28 wraps the modules of a minified bundle in `((exports, module) => …)`, which V8 compiles at
  // once, used or not; the methods of an unminified one it compiles when they are called (1.3 MiB less).
  const { code } = await transform(outputFiles[0]?.text ?? '', { ...target, minify: true });
  await put(outfile, async (file) => {
    await writeFile(file, code);
    await chmod(file, 0o755);
  });
  return metafile;
}

/**
 * Writes the manual pages and the shell completions, which are made from the same tables as the help, and the pages that a
 * package carries. Those of enroll stay here, because the package is for gateways: `man dist/enroll.1`, `source
 * dist/enroll.bash`.
 */
export async function documents(directory: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const made = {
    'newleaf.8': manualPage(NEWLEAF_MANUAL, version, builtAt()),
    'newleaf.bash': newleafCompletion(),
    'enroll.1': manualPage(ENROLL_MANUAL, version, builtAt()),
    'enroll.bash': enrollCompletion(),
  };
  for (const [name, text] of Object.entries(made)) await put(join(directory, name), (file) => writeFile(file, text));
  for (const [page, name] of Object.entries(PACKAGED)) {
    const text = await readFile(join(root, page), 'utf8');
    await put(join(directory, 'doc', name), (file) => writeFile(file, packaged(page, text)));
  }
}

/** Puts a file into its place whole: a daemon that runs from here has the native part mapped. */
async function put(path: string, write: (file: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Stages of the tests that run at the same time build at the same time.
  const made = `${path}.${process.pid}.new`;
  await write(made);
  await rename(made, path);
}

if (process.argv[1] === import.meta.filename) {
  const dist = join(root, 'dist');
  const main = bundle(join(root, 'agent', 'launch', 'launch.ts'), dist);
  const [account, accounts] = await Promise.all([main, bundleApart(dist), documents(dist)]);
  const all = [account, ...accounts];
  const bundled = bundledIn(all);
  const notices = await noticesOf(bundled, root);
  await put(join(dist, 'notices.txt'), (file) => writeFile(file, notices));
  await put(join(dist, 'bundled.json'), (file) => writeFile(file, JSON.stringify(bundled)));
}
