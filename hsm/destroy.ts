import type { Readable, Writable } from 'node:stream';
import { answerFromStdin, askChild } from './child.ts';
import { TokenError } from './ckr.ts';
import { PinRecord } from './pin-record.ts';
import { openToken } from './token.ts';
import { type TokenName, uriOf } from './token-name.ts';

/** Time for a slow token; a hung module must not hold up the daemon for ever. */
const TIME_LIMIT_MS = 60_000;

const DOING = 'Destroying a key';

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

/**
 * Destroys a key pair and its certificate in a process of its own. On tpm2-pkcs11 1.9.1, C_DestroyObject followed by
 * other work of the same process puts the TPM into failure mode (0x101) until it is power-cycled.
 * An open token of this process should be told afterwards, by Token.forget.
 * @param command argv of a process that calls destroyFromStdin
 * @param timeLimitMs after which the child is killed
 * @throws TokenError what the child met; CHILD_TIMEOUT, CHILD_ENDED
 */
export async function destroyInChild(
  command: readonly string[],
  request: DestroyRequest,
  timeLimitMs = TIME_LIMIT_MS,
): Promise<void> {
  try {
    await askChild({ command, doing: DOING, timeLimitMs }, request);
  } catch (error) {
    // The child had a module of its own, and has ended: that says nothing of the one in this process.
    if (!(error instanceof TokenError) || error.kind !== 'poisoned') throw error;
    throw new TokenError('failed', error.code, error.message, error);
  }
}

export interface DestroyerOptions {
  /** argv of a process that calls destroyFromStdin. */
  readonly command: readonly string[];
  readonly module: string;
  /** The token that is open here: another with the same label may have come since. */
  readonly token: TokenName;
  /** Asked each time: a PIN that has changed since the token was opened is wrong, until the file is corrected. */
  readonly pin: () => Promise<string>;
  /** The directory of the PinRecord. */
  readonly pinRecord: string;
}

/** Destroys keys of one token, each in a process of its own. */
export function destroyerOf({ command, module, token, pin, pinRecord }: DestroyerOptions) {
  return async (label: string, id: string): Promise<void> =>
    destroyInChild(command, { module, uri: uriOf(token), pin: await pin(), label, id, pinRecord });
}

/** The body of the child. Nothing else may be asked of the token. */
export function destroyFromStdin(input: Readable, output: Writable): Promise<void> {
  return answerFromStdin(input, output, DOING, async (asked) => {
    const { module, token, uri, pin, label, id, pinRecord } = asked as DestroyRequest;
    const record = pinRecord === undefined ? {} : { pinRecord: new PinRecord(pinRecord) };
    const open = await openToken({ module, token, uri, pin, ...record });
    await open.destroy(label, id);
  });
}
