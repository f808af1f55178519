import type { Figures } from './figures.ts';
import { type Reading, short } from './reading.ts';

const HEAD = `# What newleaf costs

Written by \`scripts/bench --write\`; run it on your own machine. Each figure is the median of seven runs (of 21, where one takes less
than a second), its least and its most in brackets; where there is a floor, the ratio to it is what counts, as both were measured in
turn in one run, in a clean environment and with the trust file of the system. A control is a figure that must be 1: how far it is
from that says how far the others may be off.
`;

const PICTURE = '![Each figure as a ratio to its floor, and its goal](ratios.svg)';

/** What was tried, and what stands in the way of the goals. */
const LIMITS = `## What stands in the way of less

Measured on 2026-11-30 by user and system time in turns, with Node 20.20 and 24.21, on a busy machine with two cores.

- **Start, goal 3.0x.** Of the CPU until connected, the boot of Node is the floor. Its own modules (crypto, TLS, HTTP, child_process)
  add half of it, the token a third to a half, and as much each: the first run of newleaf's modules, the session with the SDK, and
  the journal with all that looks at it. Most of it is the first run of JavaScript.
- **A snapshot of the heap** (\`node --snapshot-blob\`) cannot hold what a start loads: with node:http, node:https or node:tls, Node 20.20
  and 24.22 end with a fatal error while they make it ("Unknown external reference"). The others can be in one.
- **V8's flags.** \`--single-threaded-gc\`, set late, ends Node 20 with a failed check. To compile all beforehand is no quicker than
  what a played start compiles, and takes 1.0 MiB more.
- **Trust file.** Each further CA that is read costs 0.24 ms with Node 20 (OpenSSL 3.0), and 0.06 ms with Node 24.
- **Package, goal 25 MB.** It has 27 MB. Node alone is 103 MiB without its symbols; half of it are constants (ICU, snapshot,
  sources). xz makes 27.4 MB of it with the levels 6 and 6e, 26.5 MB with its filter for x86, which dpkg-deb cannot set. A larger
  dictionary would save more, and dpkg on the gateway would need as much memory as the dictionary has.
`;

const MONTHS_HEAD = `## Months

\`scripts/bench --write months\` plays them through one daemon, in 40 minutes, and looks before and after each tenth, when newleaf
rests and no message waits; \`SHARE=0.1\` plays a tenth. What has been gained is told from the end of the first tenth on: before, the
heap grows to what it needs. 5,000 reconnects by request would take four hours: newleaf takes a thousand at once, and then a thousand an
hour. Ninety days of virtual time are in \`test/search/ninety-days.test.ts\`. What a roll leaves, 4 to 9 KB, lies in the heap of the C
library and not in that of V8 (smaps; 2026-11-30): 1 KB of it is SoftHSM's, which keeps an object that another process has destroyed;
the rest was not traced.
`;

/** @param months of a run of their own */
export function pageOf({ machine, found }: Figures, months: Figures): string {
  const tables = Object.entries(found).map(([node, readings]) =>
    [`## ${node}`, '', '| | newleaf | floor | ratio | |', '|---|---|---|---|---|', ...readings.map(row)].join('\n'),
  );
  const head = `${HEAD}\n${about(machine)}`;
  return `${[head, PICTURE, ...tables, LIMITS.trimEnd(), monthsOf(months)].join('\n\n')}\n`;
}

const about = (machine: Figures['machine']): string =>
  Object.entries(machine)
    .map(([name, value]) => `- ${name}: ${value}`)
    .join('\n');

/** A curve for each Node, and a column. */
function monthsOf({ machine, found }: Figures): string {
  const nodes = Object.keys(found);
  const curves = nodes.map((node) => `![Memory over months, ${node}](${curveOf(node)})`);
  const rows = (found[nodes[0] ?? ''] ?? []).map(({ name, unit }) => {
    const values = nodes.map((node) => found[node]?.find((reading) => reading.name === name));
    return `| ${[name, ...values.map((one) => (one ? `${short(one.value)} ${unit}`.trim() : ''))].join(' | ')} |`;
  });
  const table = [`| | ${nodes.join(' | ')} |`, `|---|${'---|'.repeat(nodes.length)}`, ...rows].join('\n');
  return [`${MONTHS_HEAD}\n${about(machine)}`, ...curves, table].join('\n\n');
}

/** Its file. @param node its name, as `Node 24` */
export const curveOf = (node: string): string => `months-${node.replace('Node ', '')}.svg`;

function row({ name, value, unit, spread, floor, note = '' }: Reading): string {
  const [least, most] = spread ?? [value, value];
  const range = least === most ? '' : ` (${short(least)} to ${short(most)})`;
  const compared = floor === undefined ? ['', ''] : [`${short(floor)} ${unit}`, `${(value / floor).toFixed(2)}x`];
  return `| ${[name, `${short(value)} ${unit}${range}`.trim(), ...compared, note].join(' | ')} |`;
}
