import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startFar } from './far.ts';
import type { Metric } from './gauge.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { line, type Reading } from './reading.ts';

/** Memory first: whatever else uses PKCS#11 takes a share of the pages. */
const METRICS: readonly Metric[] = ['memory', 'start', 'commands', 'refusal', 'roll'];

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
const metrics = positionals.length === 0 ? METRICS : (positionals as Metric[]);

const far = await startFar();
await far.simulator.enrollGroup({ groupId: 'gateways', primary: far.simulator.endpoints.issuerPem });
const found: Record<string, readonly Reading[]> = {};
for (const path of [process.execPath, process.env.NEWLEAF_NODE_24]) {
  if (path === undefined) continue;
  const node = await NodeUnderTest.open(path, far.control);
  const readings: Reading[] = [];
  for (const metric of metrics) readings.push(...(await node.take(metric)));
  found[node.name] = readings;
  await node.close();
}
await far.end();

const [processor] = cpus();
const machine = {
  processor: processor?.model,
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  kernel: release(),
  architecture: process.arch,
};
if (values.json === true) console.log(JSON.stringify({ machine, found }, undefined, 2));
else {
  console.log(Object.values(machine).join(', '));
  for (const [name, readings] of Object.entries(found)) {
    for (const reading of readings) console.log(`${name}: ${line(reading)}`);
  }
}
