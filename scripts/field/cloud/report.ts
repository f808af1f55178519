import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Switches } from '../../../test/simulator/switches.ts';
import type { Lag } from './lag.ts';
import type { Mask } from './mask.ts';
import { differing, patchOf } from './patch.ts';
import { type Asked, isAnswered, NOT_ASKED, switchesOf } from './question.ts';
import { fenced, headOf, type Run } from './report-head.ts';
import { firstLine, inWords } from './screen.ts';
import { linesOf, type Spoken } from './tape.ts';

/** What was played, and how it ended. */
export interface Row {
  readonly part: 'triggers' | 'stories';
  readonly title: string;
  readonly seconds: number;
  /** Why it did not hold; undefined where it did. */
  readonly failed?: string;
}

/** Everything that a run has found. */
export interface Found {
  readonly run: Run;
  readonly rows: readonly Row[];
  readonly asked: readonly Asked[];
  readonly lags: readonly Lag[];
  readonly tape: readonly Spoken[];
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
/** Empty without a row. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? ''
    : [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** The switches that are not asked about for a reason. */
const names = (reason: string): string =>
  Object.entries(NOT_ASKED)
    .flatMap(([name, why]) => (why === reason ? [name] : []))
    .join(', ');

/** What is too long for a cell: all that was said of what did not hold, and of what was not answered. */
function detailsOf({ rows, asked }: Pick<Found, 'rows' | 'asked'>): string {
  const failed = [
    ...rows.map(({ title, failed: words }) => ({ title, words })),
    ...asked.map(({ question: { title }, answer }) => ({
      title,
      words: 'failed' in answer ? answer.failed : undefined,
    })),
  ];
  return failed
    .flatMap(({ title, words }) => (words === undefined ? [] : [`### ${title}\n\n${fenced(words)}`]))
    .join('\n\n');
}

/** Whether the simulator does the same, as far as that was seen. */
function verdictOf(asked: readonly Asked[]): string {
  const positions = positionsOf(asked);
  const others = differing(positions);
  if (Object.keys(positions).length === 0) return '';
  const same =
    others.length === 0
      ? 'The simulator does the same by default.'
      : `Other than the default of the simulator: ${others.map(([name]) => name).join(', ')}. The patch is in switches.patch: \`git apply switches.patch\`.`;
  return asked.every(isAnswered) ? same : `${same} Not all was answered.`;
}

const section = (title: string, ...texts: readonly string[]): readonly string[] => {
  const there = texts.filter((text) => text !== '');
  return there.length === 0 ? [] : [`## ${title}`, ...there];
};

/** The report, as Markdown. What was not played has no section. */
export function textOf({ run, rows, asked, lags, tape, left }: Found, cost: Cost): string {
  const reasons = [...new Set(Object.values(NOT_ASKED))].filter((why) => why !== 'asked');
  const results = rows.map(({ title, seconds, failed }) => [
    title,
    seconds.toFixed(1),
    failed === undefined ? 'held' : `did not hold: ${firstLine(failed)}`,
  ]);
  const seen = asked.map((one) => [one.question.title, switchesOf(one), 'failed' in one.answer ? '' : one.answer.seen]);
  const spent = `The hub was of the free tier (F1): nothing. ${cost.hubMessages} messages went from or to devices, of the 8,000 that it takes a day.
DPS is billed by 1,000 operations: ${cost.dpsOperations} were counted on the wire (registrations, polls, requests of the operator). The price is on https://azure.microsoft.com/pricing/details/iot-hub/.
From the first command to the last it took ${inWords(run.tookMs)}. ${left}`;
  const wire =
    'The wire is in wire.jsonl: a line for each packet, each part of an HTTP message, and what became of each connection. Keys and signatures are masked.';
  return `${[
    '# newleaf with the real Azure',
    headOf(run, { rows, asked }),
    ...section('Triggers and stories', table(['what', 'seconds', 'how it ended'], results)),
    ...section('Questions', table(['question', 'switch of the simulator', 'seen'], seen), verdictOf(asked)),
    ...section('In its own words', detailsOf({ rows, asked })),
    ...section(
      'How late it is',
      table(
        ['what', 'seen'],
        lags.map(({ title, seen: words }) => [title, words]),
      ),
    ),
    ...section('What it cost', spent),
    ...(run.parts.includes('questions')
      ? section('Not asked', reasons.map((reason) => `- ${names(reason)}: ${reason}.`).join('\n'))
      : []),
    ...(tape.length === 0 ? [] : [wire]),
  ].join('\n\n')}\n`;
}

/** Writes report, wire and patch into a directory. A file with nothing in it is not there, nor one of an earlier run. */
export function writeReport(directory: string, found: Found, cost: Cost, mask: Mask): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string): void => {
    if (text === '') rmSync(join(directory, name), { force: true });
    else writeFileSync(join(directory, name), text);
  };
  write('report.md', mask.over(textOf(found, cost)));
  write('wire.jsonl', linesOf(found.tape, mask));
  write('switches.patch', patchOf(positionsOf(found.asked)));
}
