import { type Running, start } from '../../../agent/cli/run/command.ts';
import { loadConfig } from '../../../agent/config/config.ts';
import { createLog } from '../../../agent/machine/log.ts';
import { startedBy } from '../../../hsm/job.ts';
import { Inspector } from '../stage/inspector.ts';

/** What the test tells this process: a gateway is named by its configuration file. */
export type Order =
  | { readonly order: 'start'; readonly file: string }
  | { readonly order: 'stop'; readonly file: string }
  | { readonly order: 'keys'; readonly module: string; readonly token: string };

/** How an order ended, under the name that it had. */
export interface Told {
  readonly of: string;
  readonly keys?: readonly string[];
  readonly failed?: string;
}

const [, , program = ''] = process.argv;
startedBy([process.execPath, program]);
const running = new Map<string, Running>();

/** As `newleaf run` does it. A module that has lost its state is left to systemd, which starts the daemon again. */
async function run(file: string): Promise<void> {
  const { config } = loadConfig(file);
  const sink = { write: (line: string) => void process.stderr.write(`${config.dps.registration_id} ${line}`) };
  const log = createLog({ level: config.log.level, env: {}, sink });
  const daemon = await start({ file, config, log, env: {}, held: {} });
  running.set(file, daemon);
  void daemon.ended.then((ending) => (ending === 'restart' ? run(file) : undefined));
}

async function obey(order: Order): Promise<Omit<Told, 'of'>> {
  if (order.order === 'start') await run(order.file);
  if (order.order === 'stop') await running.get(order.file)?.stop();
  if (order.order !== 'keys') return {};
  return { keys: new Inspector(order, order.token).privateKeys() };
}

process.on('message', (order: Order & { readonly of: string }) => {
  obey(order)
    .catch((error: Error) => ({ failed: String(error.stack) }))
    .then((told) => process.send?.({ of: order.of, ...told }));
});
// Whoever started this process is gone.
process.once('disconnect', () => process.exit());
