import { after, before } from 'node:test';
import { type Far, startFar } from './far.ts';
import { NodeUnderTest } from './node-under-test.ts';

/** Before the tests of a file, the far side and each Node (NEWLEAF_NODE_24: another one) are started; they end after them. */
export function nodesUnderTest(): readonly NodeUnderTest[] {
  let far: Far;
  const nodes: NodeUnderTest[] = [];
  before(async () => {
    far = await startFar();
    await far.simulator.createPolicy('monthly');
    const certificatePolicy = { policy: 'monthly' };
    await far.simulator.enrollGroup({
      groupId: 'gateways',
      primary: far.simulator.endpoints.issuerPem,
      certificatePolicy,
    });
    for (const path of [process.execPath, process.env.NEWLEAF_NODE_24]) {
      if (path !== undefined) nodes.push(await NodeUnderTest.open(path, far.control));
    }
  });
  after(async () => {
    for (const node of nodes) await node.close();
    await far.end();
  });
  return nodes;
}
