import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Switches } from '../../../test/simulator/switches.ts';
import type { Lag } from './lag.ts';
import type { Mask } from './mask.ts';
import { differing, patchOf } from './patch.ts';
import { type Answer, NOT_ASKED, type Question } from './question.ts';
import { linesOf, type Spoken } from './tape.ts';

/** What was played, and how it ended. */
export interface Row {
  readonly part: 'trigger' | 'story';
  readonly title: string;
  readonly seconds: number;
  /** Why it did not hold; undefined where it did. */
  readonly failed?: string;
}

export interface Asked {
  readonly question: Question;
  readonly answer: Answer | { readonly failed: string };
}

/** Everything that a run has found. */
export interface Found {
  readonly rows: readonly Row[];
  readonly asked: readonly Asked[];
  readonly lags: readonly Lag[];
  readonly tape: readonly Spoken[];
  /** How long there was something in Azure, in seconds. */
  readonly seconds: number;
  /** What is left there, in words. */
  readonly left: string;
}

/** What is billed of it, as far as it went over the wire. */
export interface Cost {
  /** Registrations and polls of devices, and requests of the operator: an instance of DPS is billed by the operation. */
  readonly dpsOperations: number;
  /** Publishes from and to devices. A free hub takes 8,000 messages a day, of 0.5 KB each. */
  readonly hubMessages: number;
}

const isPublish = ({ packet }: Spoken): boolean => packet !== undefined && 'cmd' in packet && packet.cmd === 'publish';
const isRequest = ({ way, text = '' }: Spoken): boolean => way === 'out' && /^[A-Z]+ \S+ HTTP\/1\.1/.test(text);

/** @param isDps whether an address is one of DPS */
export function costOf(tape: readonly Spoken[], isDps: (to: string) => boolean): Cost {
  const dps = tape.filter(({ to, way }) => isDps(to) && way === 'out');
  return {
    dpsOperations: dps.filter((spoken) => isPublish(spoken) || isRequest(spoken)).length,
    hubMessages: tape.filter((spoken) => !isDps(spoken.to) && isPublish(spoken)).length,
  };
}

/** The positions that were seen. */
export const positionsOf = (asked: readonly Asked[]): Partial<Switches> =>
  Object.assign({}, ...asked.map(({ answer }) => ('failed' in answer ? {} : answer.positions)));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

function switchRow({ question, answer }: Asked): readonly string[] {
  if ('failed' in answer) return [question.title, question.of.join(', '), 'not answered', answer.failed];
  const positions = new Map<string, unknown>(Object.entries(answer.positions));
  const told = question.of.map(
    (name) => `${name}: ${positions.has(name) ? JSON.stringify(positions.get(name)) : 'no position does this'}`,
  );
  return [question.title, told.join(', '), '', answer.seen];
}

/** The switches that are not asked about for a reason. */
const names = (reason: string): string =>
  Object.entries(NOT_ASKED)
    .flatMap(([name, why]) => (why === reason ? [name] : []))
    .join(', ');

/** The report, as Markdown. */
export function textOf({ rows, asked, lags, seconds, left }: Found, cost: Cost): string {
  const others = differing(positionsOf(asked));
  const reasons = [...new Set(Object.values(NOT_ASKED))].filter((why) => why !== 'asked');
  return `# newleaf with the real Azure

## Triggers and stories

${table(
  ['what', 'seconds', ''],
  rows.map(({ title, seconds: took, failed }) => [title, took.toFixed(1), failed ?? 'held']),
)}

## Questions

${table(['question', 'switch of the simulator', '', 'seen'], asked.map(switchRow))}

${others.length === 0 ? 'The simulator does the same by default.' : `Other than the default of the simulator: ${others.map(([name]) => name).join(', ')}. The patch is in switches.patch: \`git apply switches.patch\`.`}

## How late it is

${table(
  ['what', 'seen'],
  lags.map(({ title, seen }) => [title, seen]),
)}

## What it cost

The hub was of the free tier (F1): nothing. ${cost.hubMessages} messages went from or to devices, of the 8,000 that it takes a day.
DPS is billed by 1,000 operations: ${cost.dpsOperations} were counted on the wire (registrations, polls, requests of the operator). The price is on https://azure.microsoft.com/pricing/details/iot-hub/.
Hub and DPS were there for ${Math.ceil(seconds / 60)} minutes. ${left}

## Not asked

${reasons.map((reason) => `- ${names(reason)}: ${reason}.`).join('\n')}

The wire is in wire.jsonl: a line for each packet, each part of an HTTP message, and what became of each connection. Keys and signatures are masked.
`;
}

/** Writes report, wire and patch into a directory. */
export function writeReport(directory: string, found: Found, cost: Cost, mask: Mask): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  write('report.md', mask.over(textOf(found, cost)));
  write('wire.jsonl', linesOf(found.tape, mask));
  write('switches.patch', patchOf(positionsOf(found.asked)));
}
