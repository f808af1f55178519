import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Reading, short } from './reading.ts';

/** Written by `scripts/bench --write`. */
export const FIGURES = join(import.meta.dirname, 'figures.json');
/** Written by `scripts/bench --write months`. */
export const MONTHS = join(import.meta.dirname, 'months.json');

export interface Figures {
  readonly machine: Readonly<Record<string, string>>;
  /** By the name of the Node. */
  readonly found: Readonly<Record<string, readonly Reading[]>>;
}

const RATIOS = [
  ['memory', 'idle PSS'],
  ['start until connected', 'start until connected'],
  ['`newleaf status`', 'newleaf status'],
  ['from a refusal to serving', 'refusal to serving'],
] as const;

export const figuresIn = (path: string): Figures => JSON.parse(readFileSync(path, 'utf8')) as Figures;

/** What newleaf costs, in a few lines of README. @throws Error where a figure is not there: `scripts/bench --write` takes all of them */
export function costs({ machine, found }: Figures = figuresIn(FIGURES)): string {
  const nodes = Object.keys(found);
  const each = (name: string, told: (reading: Reading) => string): string =>
    nodes
      .map((node) => {
        const reading = found[node]?.find((one) => one.name === name);
        if (reading === undefined) throw new Error(`test/bench/figures.json has no "${name}" of ${node}`);
        return told(reading);
      })
      .join(' / ');
  const ratio = ({ value, floor = Number.NaN }: Reading) => `${(value / floor).toFixed(2)}x`;
  const told = RATIOS.map(([words, name]) => {
    const { unit = '' } = found[nodes[0] ?? '']?.find((reading) => reading.name === name) ?? {};
    return `${words} ${each(name, ratio)} (${each(name, ({ value }) => value.toFixed(0))} ${unit})`;
  });
  const idle = `${each('idle CPU, beside mosquitto_sub', ({ value }) => short(Math.round(value)))} ms of CPU in an idle hour`;
  return `**What it costs**, beside a bare Node (${nodes.join(', ')}): ${told.join(', ')}; ${idle}. [One run, all figures](test/bench/README.md), on ${machine.processor}; [yours](systemd/README.md#memory-and-processor): \`scripts/bench\`.`;
}
