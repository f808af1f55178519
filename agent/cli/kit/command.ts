import { plainCause } from '../../failure/cause.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import type { Failure } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { foreign } from '../../failure/foreign.ts';
import { type ParsedArguments, parse } from './parse.ts';
import { glyph, hang, type Output, paint, type Screen, screenOf, toCopy, wrap } from './screen.ts';
import type { Tool } from './tool.ts';

export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** Resolves with the exit code, and never rejects. */
export type Run = (args: ParsedArguments, io: Io) => Promise<number>;

/** Ends a command with a sentence that has no code in the table of failures. */
export abstract class CommandError extends Error {
  abstract readonly exit: number;
  readonly advice: string | undefined;

  constructor(message: string, { advice, cause }: { readonly advice?: string; readonly cause?: unknown } = {}) {
    super(foreign(message), { cause });
    this.advice = advice;
  }
}

/** The command line, or a file or setting that it names, is wrong. */
export class Misuse extends CommandError {
  override readonly name = 'Misuse';
  readonly exit = EXIT.usage;
}

export class Failed extends CommandError {
  override readonly name = 'Failed';
  readonly exit = EXIT.failed;
}

/**
 * Reads the command line, and runs the command.
 * @param argv without node and the script
 * @returns the exit code
 */
export async function call<Name extends string>(
  tool: Tool<Name>,
  argv: readonly string[],
  io: Io,
  run: (args: ParsedArguments<Name>) => Promise<number>,
): Promise<number> {
  const parsed = parse(tool, argv, screenOf(io.out, io.env).width);
  if (!('exit' in parsed)) return run(parsed);
  const { exit, text } = parsed;
  if (exit === EXIT.done) io.out.write(text);
  else io.err.write(hang(screenOf(io.err, io.env), text));
  return exit;
}

/** Turns errors into sentences on stderr and an exit code. */
export function command(work: Run): Run {
  return async (args, io) => {
    try {
      return await work(args, io);
    } catch (error) {
      const { complaint: met, exit } = ended(error);
      io.err.write(complaint(met, screenOf(io.err, io.env)));
      return exit;
    }
  };
}

/** How a command ends that has thrown. */
export function ended(error: unknown): { readonly complaint: Complaint; readonly exit: number } {
  if (error instanceof CommandError) {
    const { message, advice, exit } = error;
    return { complaint: { message, advice }, exit };
  }
  const met = failureOf(error);
  return { complaint: met, exit: exitOf(met) };
}

export type Complaint = Pick<Failure, 'message'> & {
  readonly [K in 'code' | 'advice' | 'byPerson' | 'cause']?: string | undefined;
};

/** Code and sentence, and below it the next command or the person to call. */
export function complaint(what: Complaint, screen: Screen, indent = ''): string {
  const { code, message, cause } = what;
  const lines = `${message}${cause === undefined ? '' : ` (${plainCause(cause)})`}`
    .split('\n')
    .flatMap((line, at) =>
      wrap(screen, `${at === 0 && code !== undefined ? `${code} ` : ''}${line}`, { first: indent }),
    );
  const [first = '', ...rest] = lines;
  const headed = code === undefined ? first : first.replace(code, paint(screen, 'bold', code));
  return `${[headed, ...rest, ...nextStep(adviceOn(screen, what), screen, indent)].join('\n')}\n`;
}

/** For the issuer of this gateway. */
export const adviceOn = ({ isByPerson }: Screen, { advice, byPerson }: Pick<Complaint, 'advice' | 'byPerson'>) =>
  byPerson !== undefined && isByPerson?.() === true ? byPerson : advice;

/** `→ newleaf check`, in lines. */
export function nextStep(advice: string | undefined, screen: Screen, indent: string): readonly string[] {
  if (advice === undefined) return [];
  const arrow = `${indent}${glyph(screen, 'arrow')} `;
  const indents = { first: arrow, rest: ' '.repeat(arrow.length) };
  const bare = toCopy(screen, advice);
  const isLong = bare.length + arrow.length > screen.width && /^`[^`]+`$/.test(screen.rewrite?.(advice) ?? advice);
  // The marks tell that it is one command, also where it takes more lines than one.
  const lines = isLong
    ? wrap(screen, `\`${bare}\``, indents).map((line) => line.replaceAll('`', ''))
    : wrap(screen, bare, indents);
  return lines.map((line) => paint(screen, 'cyan', line));
}

export function textOption({ options }: ParsedArguments, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of an option that may be repeated. */
export const textsOption = ({ options }: ParsedArguments, name: string): readonly string[] =>
  [options[name] ?? []].flat().map(String);
