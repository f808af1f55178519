import { fstatSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import { Control } from './control.ts';
import { startSimulator } from './simulator.ts';

const USAGE = `usage: tsx test/simulator/main.ts --directory DIR [--minutes N]
Writes DIR/trust.pem, DIR/est-ca.pem and DIR/issuer.pem, prints one line of JSON with all endpoints, and runs
until its standard input closes, SIGTERM comes, N minutes are over, or POST /stop.`;

const MINUTE = 60_000;
const STDIN = 0;

const { values } = parseArgs({ options: { directory: { type: 'string' }, minutes: { type: 'string' } } });
const { directory, minutes } = values;
if (directory === undefined) {
  console.error(USAGE);
  process.exit(2);
}

const simulator = await startSimulator();
const control = await Control.open(simulator, () => void stop());
const { trustPem, estCaPem, issuerPem } = simulator.endpoints;
await mkdir(directory, { recursive: true });
await writeFile(join(directory, 'trust.pem'), trustPem);
await writeFile(join(directory, 'est-ca.pem'), estCaPem);
await writeFile(join(directory, 'issuer.pem'), issuerPem);

process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
if (minutes !== undefined) setTimeout(() => void stop(), Number(minutes) * MINUTE).unref();
// A pipe or a terminal closes when whoever started us is gone; /dev/null is at its end from the beginning.
const input = fstatSync(STDIN);
if (input.isFIFO() || input.isSocket() || isatty(STDIN)) process.stdin.once('close', () => void stop()).resume();
console.log(JSON.stringify({ control: control.url, directory, ...simulator.endpoints }));

async function stop(): Promise<void> {
  control.close();
  await simulator.close();
  process.exit(0);
}
