import { join } from 'node:path';
import { complaint, nextStep } from '../kit/command.ts';
import { type Colour, glyph, paint, type Screen, safe, wrap } from '../kit/screen.ts';
import { termsInWords } from './terms.ts';
import type { ProgramTold, UplinkTold } from './told.ts';
import {
  bytesInWords,
  inboxInWords,
  isLasting,
  messages,
  sumOf,
  throttled,
  throttledInWords,
  waitingInWords,
} from './words.ts';

const INDENT = '  ';
/** `newleaf status` names each of so many, and sums up more. */
const MOST_NAMED = 4;

/** `newleaf uplink list`. Pure. @param directory `state.directory` */
export function renderPrograms(
  { programs, rate, isThrottled }: UplinkTold,
  now: number,
  directory: string,
  screen: Screen,
): string {
  if (programs.length === 0) {
    return `${[...wrap(screen, 'There are no programs of this gateway.'), ...nextStep('`newleaf uplink add NAME`', screen, '')].join('\n')}\n`;
  }
  const blocks = programs.map((program) => programBlock(program, now, directory, screen));
  const hub = isThrottled === true ? [complaint(throttled(rate), screen)] : [];
  return [...blocks, ...hub].join('\n');
}

/** `newleaf uplink show` and `add`: what is counted, below how it connects. Pure. */
export function programBlock(program: ProgramTold, now: number, directory: string, screen: Screen): string {
  const { name, connects, clients, inbox, trouble } = program;
  const way = connects === 'key' ? 'by its key' : 'by its socket';
  const connections = clients === 1 ? '1 connection' : `${clients === 0 ? 'no' : clients} connections`;
  const dot = paint(screen, colourOf(program), glyph(screen, 'dot'));
  const rows = [
    waitingInWords(program, now),
    ...(inbox === 0 ? [] : [inboxInWords(program, now)]),
    ...termsInWords(program.terms, bytesInWords),
    countsInWords(program),
    ...setAsideInWords(program, directory),
  ];
  const lines = [
    `${dot} ${paint(screen, 'bold', `${safe(screen, name)}: ${way}, ${connections}`)}`,
    ...rows.flatMap((row) => wrap(screen, row, { first: INDENT, rest: `${INDENT}${INDENT}` })),
  ];
  return `${lines.join('\n')}\n${trouble === undefined ? '' : complaint(trouble, screen, INDENT)}`;
}

function colourOf(program: ProgramTold): Colour {
  if (isLasting(program)) return 'red';
  const { trouble, setAside, dropped, damaged } = program;
  return trouble !== undefined || setAside + dropped + damaged > 0 ? 'yellow' : 'green';
}

function countsInWords({ forwarded, resent, refused, dropped, expired, damaged }: ProgramTold): string {
  const others = [
    [resent, 'sent again'],
    [refused, 'refused'],
    [dropped, 'dropped'],
    [expired, 'expired'],
    [damaged, 'damaged'],
  ] as const;
  const told = others.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  return [`since the start of the daemon: ${forwarded} sent`, ...told].join(', ');
}

function setAsideInWords({ name, setAside }: ProgramTold, directory: string): readonly string[] {
  if (setAside === 0) return [];
  return [`${messages(setAside)} set aside: see ${join(directory, 'uplink', name, 'rejected')}`];
}

/** The lines of `newleaf status`, which a label goes before. None where there are no programs. */
export function statusRows({ programs, rate, isThrottled }: UplinkTold, now: number): readonly string[] {
  if (programs.length === 0) return [];
  const hub = isThrottled === true ? [throttledInWords(rate)] : [];
  if (programs.length > MOST_NAMED) {
    const troubled = programs.filter(({ trouble }) => trouble !== undefined).length;
    const wrong = troubled === 0 ? '' : `; ${troubled} with a trouble: \`newleaf uplink list\``;
    return [`${programs.length} programs: ${waitingInWords(sumOf(programs), now)}${wrong}`, ...hub];
  }
  const rows = programs.map((program) => {
    const { name, trouble } = program;
    return `${name}: ${waitingInWords(program, now)}${trouble === undefined ? '' : ` (${trouble.code})`}`;
  });
  return [...rows, ...hub];
}

/** What is lost with the program. */
export function lossInWords({ name, queued, bytes, inbox, connects }: ProgramTold): string {
  const waiting = [
    ...(queued === 0 ? [] : [`${messages(queued)} for the hub (${bytesInWords(bytes)})`]),
    ...(inbox === 0 ? [] : [`${messages(inbox)} for the program`]),
  ];
  const lost =
    waiting.length === 0 ? 'No message waits.' : `It destroys for good what waits: ${waiting.join(' and ')}.`;
  const way = connects === 'key' ? 'its key' : 'its socket';
  return `This removes the program ${name} with ${way}. ${lost}`;
}
