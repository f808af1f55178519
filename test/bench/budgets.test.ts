import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bundleApart, packageOf } from '../../scripts/build.ts';
import type { Metric } from './gauge.ts';
import { judged } from './judge.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { nodesUnderTest } from './nodes.ts';

const nodes = nodesUnderTest();

const judge = (t: TestContext, node: NodeUnderTest, metric: Metric, taken = node.take(metric)): Promise<void> =>
  judged(t, node, taken, () => node.take(metric));

// Whatever else uses PKCS#11 takes a share of the pages, so memory comes first, and one Node after the other.
test('memory at rest', async (t) => {
  for (const node of nodes) await t.test(node.name, (t) => judge(t, node, 'memory'));
});

test('leaves that Azure issues', async (t) => {
  for (const node of nodes) await t.test(node.name, (t) => judge(t, node, 'issuer'));
});

test('programs of the gateway', async (t) => {
  // It mostly waits.
  const sending = nodes.map((node) => [node, node.take('uplink')] as const);
  for (const [node, taken] of sending) await t.test(node.name, (t) => judge(t, node, 'uplink', taken));
});

test('time, and growth', async (t) => {
  for (const metric of ['start', 'commands', 'refusal', 'roll'] as const) {
    for (const node of nodes) await t.test(`${metric}, ${node.name}`, (t) => judge(t, node, metric));
  }
  const growing = nodes.map((node) => [node, node.take('growth')] as const);
  for (const [node, taken] of growing) await t.test(`growth, ${node.name}`, (t) => judge(t, node, 'growth', taken));
});

test('what is installed', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-bundle-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const outputs = (await bundleApart(directory)).flatMap((metafile) => Object.entries(metafile.outputs));
  const packages = new Map<string, number>();
  const daemon = outputs.filter(([path]) => path.endsWith('daemon.js')).map(([, output]) => output);
  for (const [path, { bytesInOutput }] of daemon.flatMap(({ inputs }) => Object.entries(inputs))) {
    const from = packageOf(path) ?? 'newleaf';
    packages.set(from, (packages.get(from) ?? 0) + bytesInOutput);
  }
  const largest = [...packages].sort(([, a], [, b]) => b - a).slice(0, 8);
  const size = (file: string) => statSync(join(directory, file)).size;
  t.diagnostic(`daemon.js: ${size('daemon.js')} bytes, of ${packages.size - 1} packages`);
  t.diagnostic(`the largest: ${largest.map(([name, bytes]) => `${name} ${bytes}`).join(', ')}`);
});
