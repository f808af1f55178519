import { exitOf } from '../failure/exit.ts';
import type { Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { glyph, paint, type Screen, screenOf, wrap } from './screen.ts';
import type { CommandName } from './table.ts';

/** What a command needs of process.stdout and process.stderr. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Of a terminal: somebody has changed its size. */
  on?(event: 'resize', listener: () => void): unknown;
}

export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

export interface ParsedArguments {
  readonly command: CommandName;
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** Resolves with the exit code, and never rejects. */
export type Run = (args: ParsedArguments, io: Io) => Promise<number>;

/** Turns what is thrown into sentences on stderr and an exit code. */
export function command(work: Run): Run {
  return async (args, io) => {
    try {
      return await work(args, io);
    } catch (error) {
      const met = failureOf(error);
      io.err.write(complaint(met, screenOf(io.err, io.env)));
      return exitOf(met);
    }
  };
}

export type Complaint = Pick<Failure, 'message'> & { readonly [K in 'code' | 'advice' | 'cause']?: string | undefined };

/** Code and sentence, and below it the next command or the person to call. */
export function complaint({ code, message, cause, advice }: Complaint, screen: Screen, indent = ''): string {
  const lines = `${message}${cause === undefined ? '' : ` (${cause})`}`
    .split('\n')
    .flatMap((line, at) =>
      wrap(screen, `${at === 0 && code !== undefined ? `${code} ` : ''}${line}`, { first: indent }),
    );
  const arrow = `${indent}${glyph(screen, 'arrow')} `;
  const next = advice === undefined ? [] : wrap(screen, advice, { first: arrow, rest: ' '.repeat(arrow.length) });
  const [first = '', ...rest] = lines;
  const headed = code === undefined ? first : first.replace(code, paint(screen, 'bold', code));
  return `${[headed, ...rest, ...next.map((line) => paint(screen, 'cyan', line))].join('\n')}\n`;
}

/** A text of the command line; undefined where the option is absent. */
export function textOption({ options }: ParsedArguments, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
