import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { TOKEN_ERROR_KINDS, TokenError, type TokenErrorKind, tokenError } from './ckr.ts';

export interface ChildOptions {
  /** argv of a process that answers by `answerFromStdin`. */
  readonly command: readonly string[];
  /** What the child does, as the beginning of a sentence. */
  readonly doing: string;
  /** After so long the child is killed. */
  readonly timeLimitMs: number;
  /** A session of its own: Ctrl-C on the terminal does not cut the token off in the middle of something. */
  readonly isDetached?: boolean;
  /** What the module writes to stderr by itself is dropped. */
  readonly isQuiet?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

type Answer =
  | { readonly kind: 'done'; readonly value?: unknown }
  | { readonly kind: TokenErrorKind; readonly code: string; readonly message: string };

/**
 * Has something done in a process of its own. The request, with the PIN in it, goes through its stdin only.
 * @returns what the child answers; nothing is known of it yet
 * @throws TokenError what the child met; CHILD_TIMEOUT where it was killed, CHILD_ENDED where it crashed or cannot start
 */
export async function askChild(options: ChildOptions, request: object): Promise<unknown> {
  const { command, doing, timeLimitMs } = options;
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', options.isQuiet === true ? 'ignore' : 'inherit'],
    detached: options.isDetached ?? false,
    env: options.env ?? process.env,
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), timeLimitMs);
  // A child that ends before it reads is told by its missing answer.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const [said, end] = await Promise.all([text(child.stdout), ended])
    .catch((error: unknown) => {
      throw new TokenError('failed', 'CHILD_ENDED', `${doing}: its process cannot be started: ${error}`, error);
    })
    .finally(() => clearTimeout(killer));
  const answer = parseAnswer(said);
  if (answer === undefined && end === 'SIGKILL') {
    const message = `${doing}: nothing happened for ${timeLimitMs / 1000} s, and its process was killed.`;
    throw new TokenError('failed', 'CHILD_TIMEOUT', message);
  }
  if (answer === undefined) {
    throw new TokenError('failed', 'CHILD_ENDED', `${doing}: its process ended without an answer: ${end}.`);
  }
  if (answer.kind !== 'done') throw new TokenError(answer.kind, answer.code, answer.message);
  return answer.value;
}

/**
 * The body of the child: reads one request, does it, writes one answer.
 * @param doing what the work is, as the beginning of a sentence
 */
export async function answerFromStdin(
  input: Readable,
  output: Writable,
  doing: string,
  work: (request: unknown) => Promise<unknown>,
): Promise<void> {
  const answer = await perform(await text(input), doing, work);
  output.write(`${JSON.stringify(answer)}\n`);
}

async function perform(asked: string, doing: string, work: (request: unknown) => Promise<unknown>): Promise<Answer> {
  try {
    return { kind: 'done', value: await work(JSON.parse(asked)) };
  } catch (error) {
    const { kind, code, message } = tokenError(error, 'opening', doing);
    return { kind, code, message };
  }
}

/** The last line that is an answer: modules are known to write to stdout as well. */
function parseAnswer(said: string): Answer | undefined {
  for (const line of said.trim().split('\n').reverse()) {
    try {
      const found: unknown = JSON.parse(line);
      if (typeof found !== 'object' || found === null || !('kind' in found)) continue;
      if (found.kind === 'done') return { kind: 'done', ...('value' in found && { value: found.value }) };
      const kind = TOKEN_ERROR_KINDS.find((one) => one === found.kind);
      if (kind === undefined || !('code' in found) || !('message' in found)) continue;
      return { kind, code: String(found.code), message: String(found.message) };
    } catch {}
  }
  return undefined;
}
