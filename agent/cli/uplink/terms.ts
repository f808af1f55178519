import { objectionTo } from '../../config/draft.ts';
import { durationMs } from '../../config/duration.ts';
import { sizeBytes } from '../../config/size.ts';
import type { OwnTerms } from '../../state/program-terms.ts';
import { Misuse, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { span } from '../moment.ts';
import type { TERMS } from '../table-uplink.ts';

/** Takes a term away. */
const STANDARD = 'default';
const PRIORITIES = ['high', 'normal', 'bulk'] as const;

/** What the command line says of them; null for one that is as in the configuration again. */
export type Changes = { readonly [K in keyof OwnTerms]: OwnTerms[K] | null };

/** Absent where the command line says none. @throws Misuse */
export function termsIn(args: ParsedArguments): { readonly terms?: Changes } {
  const bytes = read(args, 'max-bytes', (text) => [sizeBytes(text), objectionTo('uplink.max_bytes', text)]);
  const age = read(args, 'max-age', (text) => [durationMs(text), objectionTo('uplink.max_age', text)]);
  const rate = read(args, 'rate', (text) => [Number(text), objectionTo('uplink.rate', Number(text))]);
  const priority = read(args, 'priority', (text) => {
    const known = PRIORITIES.find((one) => one === text);
    return [known, known === undefined ? `must be one of ${PRIORITIES.join(', ')}` : undefined];
  });
  const terms: Changes = {
    ...(bytes !== undefined && { maxBytes: bytes }),
    ...(age !== undefined && { maxAgeMs: age }),
    ...(rate !== undefined && { rate }),
    ...(priority !== undefined && { priority }),
  };
  return Object.keys(terms).length === 0 ? {} : { terms };
}

function read<T>(
  args: ParsedArguments,
  option: keyof typeof TERMS,
  parse: (text: string) => readonly [T, string | undefined],
): T | null | undefined {
  const text = textOption(args, option);
  if (text === undefined) return undefined;
  if (text === STANDARD) return null;
  const [value, objection] = parse(text);
  if (objection !== undefined) throw new Misuse(`--${option} ${objection}, or "${STANDARD}".`);
  return value;
}

/** A line for `newleaf uplink list`; none where nothing was set. @param inWords of bytes */
export function termsInWords(terms: OwnTerms | undefined, inWords: (bytes: number) => string): readonly string[] {
  const { maxBytes, maxAgeMs, rate, priority } = terms ?? {};
  const said = [
    ...(maxBytes === undefined ? [] : [`at most ${inWords(maxBytes)}`]),
    ...(maxAgeMs === undefined ? [] : [`for at most ${span(maxAgeMs)}`]),
    ...(rate === undefined ? [] : [`at most ${rate} a second`]),
    ...(priority === undefined ? [] : [`priority ${priority}`]),
  ];
  return said.length === 0 ? [] : [`set for it: ${said.join(', ')}`];
}
