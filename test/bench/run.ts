import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFar } from './far.ts';
import { FIGURES, figuresIn, MONTHS } from './figures.ts';
import type { Metric } from './gauge.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { pageOf } from './page.ts';
import { ratios } from './picture.ts';
import { line, type Reading } from './reading.ts';

/** Memory first: whatever else uses PKCS#11 takes a share of the pages. */
const METRICS: readonly Metric[] = ['memory', 'start', 'commands', 'refusal', 'roll', 'peers'];
/** They mostly wait, or look at memory alone, so all Nodes take them at the same time. */
const WAITING: ReadonlySet<Metric> = new Set(['peers', 'growth', 'months', 'uplink']);

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
  allowPositionals: true,
});
// scripts/bench has looked at them.
const metrics = positionals.length === 0 ? METRICS : (positionals as Metric[]);
if (values.write === true && metrics.length > 1 && metrics.includes('months')) {
  console.error('--write takes months by themselves: they have a file of their own.');
  process.exit(2);
}
const [processor] = cpus();
const loadBefore = loadavg()[0] ?? 0;

const far = await startFar();
await far.simulator.enrollGroup({ groupId: 'gateways', primary: far.simulator.endpoints.issuerPem });
const nodes: NodeUnderTest[] = [];
for (const path of [process.execPath, process.env.NEWLEAF_NODE_24]) {
  if (path !== undefined) nodes.push(await NodeUnderTest.open(path, far.control));
}
const found: Record<string, Reading[]> = Object.fromEntries(nodes.map(({ name }) => [name, []]));
const take = async (node: NodeUnderTest, metric: Metric) => found[node.name]?.push(...(await node.take(metric)));
for (const node of nodes) for (const metric of metrics.filter((one) => !WAITING.has(one))) await take(node, metric);
for (const metric of metrics.filter((one) => WAITING.has(one)))
  await Promise.all(nodes.map((node) => take(node, metric)));
for (const node of nodes) await node.close();
await far.end();

const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
const machine = {
  commit,
  processor: `${processor?.model.trim()}, ${cpus().length} cores, ${process.arch}`,
  memory: `${Math.round(totalmem() / 2 ** 20)} MiB`,
  kernel: release(),
  load: `${loadBefore.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} at the end`,
};
if (values.write === true) {
  const isMonths = metrics.includes('months');
  const figures = isMonths ? MONTHS : FIGURES;
  writeFileSync(figures, JSON.stringify({ machine, found }));
  execFileSync('npx', ['biome', 'format', '--write', figures], { stdio: 'ignore' });
  if (!isMonths) writeFileSync(join(import.meta.dirname, 'ratios.svg'), ratios(found));
  writeFileSync(join(import.meta.dirname, 'README.md'), pageOf(figuresIn(FIGURES), figuresIn(MONTHS)));
}
if (values.json === true) console.log(JSON.stringify({ machine, found }, undefined, 2));
else {
  for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value}`);
  for (const [name, readings] of Object.entries(found)) {
    for (const reading of readings) console.log(`${name}: ${line(reading)}`);
  }
}
