import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Metafile } from 'esbuild';
import { bundledIn } from '../../../scripts/bundled.ts';
import { billOf } from '../../../scripts/sbom.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PINO = 'node_modules/pino/pino.js';
const REDACT = 'node_modules/@pinojs/redact/index.js';

/** An account of esbuild: each file, how many bytes of it are in the bundle, and what it imports. */
const bundle = (files: Readonly<Record<string, readonly [bytes: number, ...imports: string[]]>>): Metafile => ({
  inputs: Object.fromEntries(
    Object.entries(files).map(([path, [bytes, ...imports]]) => [
      path,
      { bytes, imports: imports.map((other) => ({ path: other, kind: 'require-call' as const })) },
    ]),
  ),
  outputs: {
    'dist/newleaf.js': {
      bytes: 1,
      imports: [],
      exports: [],
      inputs: Object.fromEntries(Object.entries(files).map(([path, [bytesInOutput]]) => [path, { bytesInOutput }])),
    },
  },
});

const one = bundle({ 'agent/main.ts': [9, PINO], [PINO]: [9, REDACT], [REDACT]: [9] });
const bundled = bundledIn([one, bundle({ 'node_modules/pino/lib/tools.js': [5] })]);
const NODE = { node: '24.22.3', openssl: '3.5.9', nghttp3: '', modules: '137', zlib: '1.3.2.1-motley-285e94b' };

suite('a bill of materials', () => {
  test('has the packages of all bundles, each once, and not what esbuild has read and left out', () => {
    assert.deepEqual(bundled, {
      'node_modules/@pinojs/redact': [],
      'node_modules/pino': ['node_modules/@pinojs/redact'],
    });
    const unused = bundle({ [PINO]: [9, 'node_modules/sonic-boom/index.js'], 'node_modules/sonic-boom/index.js': [0] });
    assert.deepEqual(bundledIn([unused]), { 'node_modules/pino': [] });
  });

  test('a scanner finds them, the Node, what is in it, and the packages of an image', async () => {
    const debian = [
      'Package: libc6\nStatus: install ok installed\nArchitecture: arm64\nVersion: 2.41-12+deb13u1\nDescription: C\n x',
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: arm64\nVersion: 1',
    ].join('\n\n');
    const { bomFormat, metadata, components, dependencies } = JSON.parse(
      await billOf({ name: 'newleaf', bundled, node: NODE, debian }, ROOT),
    );
    assert.equal(bomFormat, 'CycloneDX');
    assert.equal(metadata.component.type, 'container');
    assert.match(metadata.component.purl, /^pkg:generic\/newleaf@\d+\.\d+\.\d+$/);
    const known = components.map(({ purl, cpe }: Record<string, string>) => [
      purl?.replace(/(?<=npm\/.*@\d+)\..*/, ''),
      cpe?.replace(/(:\*)+$/, ''),
    ]);
    assert.deepEqual(known.toSorted(), [
      ['pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=arm64', undefined],
      ['pkg:generic/node@24.22.3', 'cpe:2.3:a:nodejs:node.js:24.22.3'],
      ['pkg:generic/openssl@3.5.9', 'cpe:2.3:a:openssl:openssl:3.5.9'],
      ['pkg:generic/zlib@1.3.2.1-motley-285e94b', 'cpe:2.3:a:zlib:zlib:1.3.2.1'],
      ['pkg:npm/%40pinojs/redact@0', undefined],
      ['pkg:npm/pino@10', undefined],
    ]);
    const node = dependencies.find(({ ref }: { readonly ref: string }) => ref === 'pkg:generic/node@24.22.3');
    assert.equal(node.dependsOn.length, 2);
  });

  test('the same source gives the same bytes', async () => {
    const made = { name: 'newleaf', bundled: bundledIn([one]), node: NODE };
    assert.equal(await billOf(made, ROOT), await billOf({ ...made, bundled }, ROOT));
  });

  test('a package that npm has in two places is told once', async () => {
    const homes = ['identity', 'core-client'].map(
      (name) => `node_modules/@azure/${name}/node_modules/@azure/core-tracing`,
    );
    const made = { name: 'newleaf-enroll', bundled: Object.fromEntries(homes.map((home) => [home, []])) };
    const bill = await billOf(made, ROOT);
    assert.equal(JSON.parse(bill).components.length, 1);
    assert.equal(bill, await billOf(made, ROOT));
  });

  test('a part of Node that is not known here, with its licence, stops the release', async () => {
    const made = { name: 'newleaf', bundled, node: { ...NODE, quickjs: '1.0.0' } };
    await assert.rejects(billOf(made, ROOT), /has a part "quickjs": scripts\/sbom\/node\.ts must know it/);
  });
});
