import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { builtAt } from '../build.ts';
import { bundledIn } from '../bundled.ts';
import { enrollCompletion } from '../completion.ts';
import { PAGE_BUILD } from '../enrollment/page/file.ts';
import { type Manual, manualPage } from '../man.ts';
import { noticesOf } from '../notices.ts';
import { billOf } from '../sbom.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = join(root, 'dist', 'operator');

const NAME = 'newleaf-enroll';
/** What the sources do not know. */
async function constants(): Promise<Record<string, string>> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return {
    ENROLL_NAME: JSON.stringify(NAME),
    NEWLEAF_VERSION: JSON.stringify(version),
    NEWLEAF_BUILT_AT: String(builtAt()),
  };
}

/** The script of the page about a fleet: the clone makes it when it is wanted, and the package has no esbuild. */
async function page(): Promise<{ readonly text: string; readonly metafile: Metafile }> {
  const entry = join(root, 'scripts', 'enrollment', 'page', 'client.ts');
  const { outputFiles, metafile } = await build({
    ...PAGE_BUILD,
    entryPoints: [entry],
    absWorkingDir: root,
    metafile: true,
  });
  return { text: outputFiles.map(({ text }) => text).join(''), metafile };
}

/** Its texts have the name of the program, as those of the program itself. */
async function manual(): Promise<Manual> {
  const outfile = join(directory, 'manual.mjs');
  await build({
    entryPoints: [join(root, 'scripts', 'man', 'enroll.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    define: await constants(),
    logLevel: 'warning',
  });
  const { ENROLL_MANUAL }: typeof import('../man/enroll.ts') = await import(outfile);
  await rm(outfile);
  return ENROLL_MANUAL;
}

/** Fills dist/operator. Everything is in it, so that npm installs one package, and needs no network for it. */
async function make(): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const script = await page();
  const { metafile } = await build({
    entryPoints: [join(root, 'scripts', 'enroll.ts')],
    outdir: directory,
    absWorkingDir: root,
    bundle: true,
    // What is imported lazily is a file of its own: without a login to Entra ID, @azure/identity is not even read.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify: true,
    metafile: true,
    legalComments: 'none',
    banner: {
      js: '#!/usr/bin/env node\nimport { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    define: { ...(await constants()), FLEET_PAGE: JSON.stringify(script.text) },
    external: ['esbuild'],
    logLevel: 'warning',
  });
  await chmod(join(directory, 'enroll.js'), 0o755);
  const { version, license, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const account = {
    name: NAME,
    version,
    description: 'The operator of Azure IoT gateways that run newleaf: enrollments, identities, and fleets that roll',
    license,
    type: 'module',
    bin: { [NAME]: 'enroll.js' },
    man: [`./${NAME}.1`],
    engines,
  };
  const bundled = bundledIn([metafile, script.metafile]);
  const files = {
    'package.json': `${JSON.stringify(account, undefined, 2)}\n`,
    [`${NAME}.1`]: manualPage(await manual(), version, builtAt()),
    'completion.bash': enrollCompletion(NAME),
    'notices.txt': await noticesOf(bundled, root),
    [`${NAME}.cdx.json`]: await billOf({ name: NAME, bundled }, root),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  await copyFile(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  await copyFile(join(import.meta.dirname, 'README.md'), join(directory, 'README.md'));
}

await make();
const packages = join('dist', 'packages');
await mkdir(join(root, packages), { recursive: true });
const pack = ['pack', '--silent', '--pack-destination', packages, './dist/operator'];
console.log(join(packages, execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim()));
