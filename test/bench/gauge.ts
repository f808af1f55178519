import { commands } from './commands.ts';
import { growth } from './growth.ts';
import { issuer } from './issuer.ts';
import { memory } from './memory.ts';
import { months } from './months.ts';
import { peers } from './peers.ts';
import type { Reading } from './reading.ts';
import { refusal } from './refusal.ts';
import { roll } from './roll.ts';
import { Stand } from './stand.ts';
import { start } from './start.ts';
import { uplink } from './uplink.ts';

const METRICS = { memory, issuer, start, commands, refusal, roll, growth, months, uplink, peers };
export type Metric = keyof typeof METRICS;

/** What the bench is told of a metric. */
export type Answer = { readonly metric: Metric } & (
  | { readonly readings: readonly Reading[] }
  | { readonly error: string }
);

// One of it for each Node, started by node-under-test.ts: what is raw must run on the Node that it is compared with.
const [control = '', prefix = ''] = process.argv.slice(2);
const stand = await Stand.open(control, prefix);

process.on('message', async (metric: Metric) => {
  const answer = await METRICS[metric](stand).then(
    (readings) => ({ metric, readings }),
    (error: Error) => ({ metric, error: error.stack ?? String(error) }),
  );
  process.send?.(answer satisfies Answer);
});
process.once('disconnect', async () => {
  await stand.close();
  process.exit();
});
process.send?.('ready');
