import { type Asked, isAnswered } from './question.ts';
import type { Row } from './report.ts';
import { inWords } from './screen.ts';
import type { Part, Told } from './told.ts';

/** What was run, and how it ended. */
export interface Run extends Pick<Told, 'location' | 'parts' | 'watchMs'> {
  /** How many there are of each part. */
  readonly totals: Readonly<Record<Part, number>>;
  /** When it began, in milliseconds since 1970. */
  readonly from: number;
  readonly tookMs: number;
  /** Their versions. */
  readonly newleaf: string;
  readonly az: string;
  readonly end: 'played' | 'interrupted' | 'failed';
  /** The step that was not brought to its end. */
  readonly during?: string | undefined;
  /** Why it failed, in the words of `az` or of another. */
  readonly why?: string;
}

type Results = { readonly rows: readonly Row[]; readonly asked: readonly Asked[] };

/** A text as it is, whatever is in it. */
export const fenced = (text: string): string => `\`\`\`\`\n${text.trim()}\n\`\`\`\``;

/** How many of each part that was to be played held, or were answered: `3 of 6 triggers held`. */
export function countsOf({ parts, totals }: Run, { rows, asked }: Results): string {
  const good: Readonly<Record<Part, number>> = {
    triggers: rows.filter(({ part, failed }) => part === 'triggers' && failed === undefined).length,
    stories: rows.filter(({ part, failed }) => part === 'stories' && failed === undefined).length,
    questions: asked.filter(isAnswered).length,
  };
  return parts
    .map((part) => `${good[part]} of ${totals[part]} ${part} ${part === 'questions' ? 'answered' : 'held'}`)
    .join(', ');
}

/** What was cut short, and what was not begun. */
function missingOf({ parts, totals }: Run, { rows, asked }: Results): string {
  const found = (part: Part): number =>
    part === 'questions' ? asked.length : rows.filter((row) => row.part === part).length;
  const cut = parts.filter((part) => found(part) > 0 && found(part) < totals[part]);
  const none = parts.filter((part) => found(part) === 0);
  return [
    ...(cut.length > 0 ? [`Cut short: ${cut.join(', ')}.`] : []),
    ...(none.length > 0 ? [`Not played: ${none.join(', ')}.`] : []),
  ].join(' ');
}

const ENDS: Readonly<Record<Run['end'], string>> = {
  played: 'It was played to its end.',
  interrupted: 'It was interrupted',
  failed: 'It stopped',
};

/** The first lines of the report: how it ended, and what was run. */
export function headOf(run: Run, results: Results): string {
  const { end, during, why, from, tookMs, newleaf, az, location, parts, watchMs } = run;
  const where = during === undefined ? '.' : `, at "${during}".`;
  const ended = end === 'played' ? ENDS.played : `${ENDS[end]}${where} ${missingOf(run, results)}`.trim();
  const began = `${new Date(from).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const facts = [
    `- begun ${began}, ${inWords(tookMs)}`,
    `- newleaf ${newleaf}`,
    `- az ${az}`,
    `- region ${location}; played: ${parts.join(', ')}; --watch ${watchMs / 1_000}`,
  ];
  return [`${ended} ${countsOf(run, results)}.`, ...(why === undefined ? [] : [fenced(why)]), facts.join('\n')].join(
    '\n\n',
  );
}
