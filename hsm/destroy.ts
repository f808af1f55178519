import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { TOKEN_ERROR_KINDS, TokenError, type TokenErrorKind, tokenError } from './ckr.ts';
import { PinRecord } from './pin-record.ts';
import { openToken } from './token.ts';

/** Time for a slow token; a hung module must not hold up the daemon for ever. */
const TIME_LIMIT_MS = 60_000;

export interface DestroyRequest {
  readonly module: string;
  readonly token?: string | undefined;
  readonly uri?: string | undefined;
  readonly pin: string;
  readonly label: string;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
  /** The directory of the PinRecord. */
  readonly pinRecord?: string | undefined;
}

type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: TokenErrorKind; readonly code: string; readonly message: string };

/**
 * Destroys a key pair and its certificate in a process of its own. On tpm2-pkcs11 1.9.1, C_DestroyObject followed by
 * other work of the same process puts the TPM into failure mode (0x101) until it is power-cycled.
 * An open token of this process should be told afterwards, by Token.forget.
 * @param command argv of a process that calls destroyFromStdin; the request, with the PIN, goes through its stdin only
 * @param timeLimitMs after which the child is killed
 * @throws TokenError what the child met; DESTROY_TIMEOUT, DESTROY_CHILD
 */
export async function destroyInChild(
  command: readonly string[],
  request: DestroyRequest,
  timeLimitMs = TIME_LIMIT_MS,
): Promise<void> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
      throw new TokenError(
        'failed',
        'DESTROY_CHILD',
        `The process that destroys keys cannot be started: ${error}`,
        error,
      );
    })
    .finally(() => clearTimeout(killer));
  if (end === 'SIGKILL') {
    throw new TokenError(
      'failed',
      'DESTROY_TIMEOUT',
      `The process that destroys keys was killed (limit ${timeLimitMs} ms).`,
    );
  }
  const answer = parseAnswer(said);
  if (answer === undefined) {
    throw new TokenError('failed', 'DESTROY_CHILD', `The process that destroys keys ended without an answer: ${end}.`);
  }
  if (answer.kind !== 'done') throw new TokenError(answer.kind, answer.code, answer.message);
}

/** The body of the child: reads one request, does it, writes one answer. Nothing else may be asked of the token. */
export async function destroyFromStdin(input: Readable, output: Writable): Promise<void> {
  output.write(`${JSON.stringify(await perform(await text(input)))}\n`);
}

async function perform(asked: string): Promise<Answer> {
  try {
    const { module, token, uri, pin, label, id, pinRecord } = JSON.parse(asked) as DestroyRequest;
    const record = pinRecord === undefined ? {} : { pinRecord: new PinRecord(pinRecord) };
    const open = await openToken({ module, token, uri, pin, ...record });
    await open.destroy(label, id);
    return { kind: 'done' };
  } catch (error) {
    const { kind, code, message } = tokenError(error, 'opening', 'Destroying a key');
    return { kind, code, message };
  }
}

/** The last line that is an answer: modules are known to write to stdout as well. */
function parseAnswer(said: string): Answer | undefined {
  for (const line of said.trim().split('\n').reverse()) {
    try {
      const found: unknown = JSON.parse(line);
      if (typeof found !== 'object' || found === null || !('kind' in found)) continue;
      if (found.kind === 'done') return { kind: 'done' };
      const kind = TOKEN_ERROR_KINDS.find((one) => one === found.kind);
      if (kind === undefined || !('code' in found) || !('message' in found)) continue;
      return { kind, code: String(found.code), message: String(found.message) };
    } catch {}
  }
  return undefined;
}
