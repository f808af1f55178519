import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { headsOf } from '../../agent/cli/kit/tool.ts';
import { builtAt } from '../build.ts';
import { enrollCompletion } from '../completion.ts';
import { ENROLL } from '../enrollment/commands.ts';
import { ENROLL_MANUAL } from '../man/enroll.ts';
import { type Manual, manualPage } from '../man.ts';
import { noticesOf } from '../notices.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = join(root, 'dist', 'operator');

/** In a PATH, where `enroll` could be anything. */
const NAME = 'newleaf-enroll';
const AFTER = [...headsOf(ENROLL), 'help', 'is', 'does'].join('|');
/** The program's own name: before a command, as the subject of a sentence, or alone in quotes. */
const OWN = new RegExp(`(?<![\\w/.-])enroll(?=\\s+(?:${AFTER})\\b|['"])`, 'g');
const renamed = (text: string): string => text.replace(OWN, NAME);

/** In the sources, because lines are broken where they are printed. */
const renaming: Plugin = {
  name: 'renaming',
  setup: ({ onLoad }) =>
    onLoad({ filter: /scripts\/enrollment\/[^/]+\.ts$/ }, async ({ path }) => ({
      contents: renamed(await readFile(path, 'utf8')),
      loader: 'ts',
    })),
};

/** Fills dist/operator. Everything is in it, so that npm installs one package, and needs no network for it. */
async function make(): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
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
    plugins: [renaming],
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
  const manual: Manual = JSON.parse(renamed(JSON.stringify(ENROLL_MANUAL)));
  const files = {
    'package.json': `${JSON.stringify(account, undefined, 2)}\n`,
    [`${NAME}.1`]: manualPage(manual, version, builtAt()),
    'completion.bash': enrollCompletion(NAME),
    'notices.txt': await noticesOf([metafile], root),
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
