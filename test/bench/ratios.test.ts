import { test } from 'node:test';
import { judged } from './judge.ts';
import { nodesUnderTest } from './nodes.ts';

const nodes = nodesUnderTest();

/** What README says of its cost, as multiples of what is unavoidable: a slow machine is slow for both. Memory comes first. */
for (const metric of ['memory', 'start', 'commands', 'refusal', 'roll'] as const) {
  test(metric, async (t) => {
    for (const node of nodes) {
      await t.test(node.name, (t) => judged(t, node, node.take(metric), () => node.take(metric), 'ratios'));
    }
  });
}
