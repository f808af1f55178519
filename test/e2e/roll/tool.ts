import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const directory = mkdtempSync(join(tmpdir(), 'newleaf-tool-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

/** scripts/enroll.ts in one file: by tsx a command takes half a second until it begins, and the stories have hundreds. */
export const TOOL = join(directory, 'enroll.mjs');

buildSync({
  entryPoints: [join(import.meta.dirname, '..', '..', '..', 'scripts', 'enroll.ts')],
  outfile: TOOL,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // A clone makes the script of the page about a fleet with it.
  external: ['esbuild'],
  // The official clients are CommonJS. Node 24 warns of their `punycode` (DEP0040) only outside of node_modules, so here alone.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); process.noDeprecation = true;",
  },
  logLevel: 'error',
});
