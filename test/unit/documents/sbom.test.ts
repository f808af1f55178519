import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Metafile } from 'esbuild';
import { billOf, withNode } from '../../../scripts/sbom.ts';

const ROOT = join(import.meta.dirname, '../../..');
const bundle = (...inputs: readonly string[]): Metafile => ({
  inputs: Object.fromEntries(inputs.map((path) => [path, { bytes: 1, imports: [] }])),
  outputs: {},
});

test('a scanner reads the packages of all bundles, each once, and the Node', async () => {
  const one = bundle('agent/main.ts', 'node_modules/pino/pino.js', 'node_modules/@pinojs/redact/index.js');
  const bill = await billOf([one, bundle('node_modules/pino/lib/tools.js')], ROOT);
  assert.equal(bill, await billOf([one], ROOT), 'the same source gives the same bytes');
  const { bomFormat, metadata, components } = JSON.parse(withNode(bill, '24.21.0'));
  assert.equal(bomFormat, 'CycloneDX');
  assert.match(metadata.component.purl, /^pkg:generic\/newleaf@\d+\.\d+\.\d+$/);
  const shown = components.map(({ purl, cpe, licenses }: Record<string, unknown>) => [purl, cpe ?? licenses]);
  assert.deepEqual(
    shown.map(([purl]: [string]) => purl.replace(/(?<!24)\.\d+\.\d+$/, '')),
    ['pkg:generic/node@24.21.0', 'pkg:npm/%40pinojs/redact@0', 'pkg:npm/pino@10'],
  );
  assert.deepEqual(
    shown.map(([, known]: [string, unknown]) => known),
    ['cpe:2.3:a:nodejs:node.js:24.21.0:*:*:*:*:*:*:*', [{ expression: 'MIT' }], [{ expression: 'MIT' }]],
  );
});
