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

interface Overrides {
  readonly [name: string]: string | Overrides;
}

const locked: Readonly<Record<string, Locked>> = read('package-lock.json').packages;
const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? '';

test('what `npm ci` runs or compiles is known: pkcs11js alone is for the gateway', () => {
  const scripts = Object.entries(locked).filter(([, { hasInstallScript }]) => hasInstallScript);
  // es5-ext prints a message, and npm 11 is told not to let it; esbuild is for building, and brings its binary.
  assert.deepEqual([...new Set(scripts.map(([path]) => nameOf(path)))].sort(), ['es5-ext', 'esbuild', 'pkcs11js']);
  assert.deepEqual(read('package.json').allowScripts, { pkcs11js: true, 'es5-ext': false, esbuild: true });
});

/** As npm resolves it: `$name` is what stands in package.json itself. */
function values(overrides: Overrides): readonly string[] {
  const { dependencies } = read('package.json');
  return Object.values(overrides).flatMap((value) => {
    if (typeof value !== 'string') return values(value);
    return value.startsWith('$') ? dependencies[value.slice(1)] : value;
  });
}

// npm 9.2.0 of Debian 13 (@npmcli/arborist 6.1.5) compares every override as a version: on `file:…` it fails with "Invalid
// comparator", and says that the lock file is missing.
test('overrides are versions', () => {
  assert.deepEqual(
    values(read('package.json').overrides).filter((value) => !/^\d+\.\d+\.\d+$/.test(value)),
    [],
  );
});

// npm 9.0 to 9.3 copy the directory of a `file:` where all others link to it, unless they are told.
test('a directory of the repository is a link, with every npm', () => {
  assert.match(readFileSync(join(root, '.npmrc'), 'utf8'), /^install-links=false$/m);
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
  // A version that none of them has in the registry: where the link is lost, nothing else comes in its place.
  assert.equal(read('hsm/absent/package.json').version, '0.0.0');
});
