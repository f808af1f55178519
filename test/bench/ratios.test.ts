import { test } from 'node:test';
import { judged } from './judge.ts';
import type { NodeUnderTest } from './node-under-test.ts';
import { nodesUnderTest } from './nodes.ts';

const nodes = nodesUnderTest();

/** The costs of newleaf, as multiples of what is unavoidable: a slow machine is slow for both. Memory comes first. */
for (const metric of ['memory', 'start', 'commands', 'refusal', 'roll'] as const) {
  // Memory is looked at when nothing happens: 12 s after a start.
  test(metric, { concurrency: metric === 'memory' }, async (t) => {
    const each = (node: NodeUnderTest) =>
      t.test(node.name, (t) => judged(t, node, node.take(metric), () => node.take(metric), 'ratios'));
    await Promise.all(nodes.map(each));
  });
}
