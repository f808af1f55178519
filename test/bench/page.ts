import { type Reading, short } from './reading.ts';

const HEAD = `# What newleaf costs

Written by \`scripts/bench --write\`; run it on your own machine. Each figure is the median of seven runs, its least and its most in
brackets; where there is a floor, the ratio to it is what counts, as both were measured in turn in one run, in a clean environment and
with the trust file of the system. A control is a figure that must be 1: how far it is from that says how far the others may be off.
`;

/** @param machine by what it is described */
export function pageOf(
  machine: Readonly<Record<string, string>>,
  found: Readonly<Record<string, readonly Reading[]>>,
): string {
  const about = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const tables = Object.entries(found).map(([node, readings]) =>
    [`## ${node}`, '', '| | newleaf | floor | ratio | |', '|---|---|---|---|---|', ...readings.map(row)].join('\n'),
  );
  return `${[`${HEAD}\n${about.join('\n')}`, ...tables].join('\n\n')}\n`;
}

function row({ name, value, unit, spread, floor, note = '' }: Reading): string {
  const [least, most] = spread ?? [value, value];
  const range = least === most ? '' : ` (${short(least)} to ${short(most)})`;
  const compared = floor === undefined ? ['', ''] : [`${short(floor)} ${unit}`, `${(value / floor).toFixed(2)}x`];
  return `| ${[name, `${short(value)} ${unit}${range}`.trim(), ...compared, note].join(' | ')} |`;
}
