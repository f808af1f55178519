import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

interface Locked {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const locked: Readonly<Record<string, Locked>> = read('package-lock.json').packages;
const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? '';

test('what `npm ci` runs or compiles is known: pkcs11js alone is for the gateway', () => {
  const scripts = Object.entries(locked).filter(([, { hasInstallScript }]) => hasInstallScript);
  // es5-ext prints a message, and npm 11 is told not to let it; esbuild is for building, and brings its binary.
  assert.deepEqual([...new Set(scripts.map(([path]) => nameOf(path)))].sort(), ['es5-ext', 'esbuild', 'pkcs11js']);
  assert.deepEqual(read('package.json').allowScripts, { pkcs11js: true, 'es5-ext': false, esbuild: true });
});

test('what tss.js 2.0.0 wants for Windows, which does not compile on Node 20, is nowhere', () => {
  const windows = Object.entries(locked).filter(([path]) => /^(ffi|ref)-/.test(nameOf(path)));
  assert.deepEqual(
    windows.map(([path, { resolved, link }]) => [path, resolved, link]),
    ['ffi-napi', 'ref-array-di', 'ref-napi', 'ref-struct-di'].map((name) => [
      `node_modules/${name}`,
      'hsm/absent',
      true,
    ]),
  );
});
