import type { Job } from './job.ts';
import { openToken } from './token.ts';
import { askOnce, tellTokenError } from './token-work.ts';
import { type TokenName, uriOf } from './uri.ts';

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
  /** The key stays, and this certificate (DER) with it: only its others go. */
  readonly but?: Uint8Array | undefined;
  /** The directory of the PinRecord. */
  readonly pinRecord?: string | undefined;
}

/**
 * Destroys a key pair and its certificate in a process of its own. On tpm2-pkcs11 1.9.1, C_DestroyObject followed by other
 * work of the same process puts the TPM into failure mode (0x101) until it is power-cycled. An open token of this process
 * should be told afterwards, by Token.forget.
 * @param limitMs after which the process is killed
 * @throws TokenError of that process; CHILD_TIMEOUT, CHILD_ENDED
 */
export function destroyKey(request: DestroyRequest, limitMs = TIME_LIMIT_MS): Promise<void> {
  return askOnce('destroy', request, DOING, limitMs);
}

export interface DestroyerOptions {
  readonly module: string;
  /** The token that is open here: another with the same label may have come since. */
  readonly token: TokenName;
  /** Asked each time: a PIN that has changed since the token was opened is wrong, until the file is corrected. */
  readonly pin: () => Promise<string>;
  /** The directory of the PinRecord. */
  readonly pinRecord: string;
}

export function destroyerOf({ module, token, pin, pinRecord }: DestroyerOptions) {
  return async (label: string, id: string, but?: Uint8Array): Promise<void> =>
    destroyKey({ module, uri: uriOf(token), pin: await pin(), label, id, but, pinRecord });
}

/** The job of that process. It must do nothing else with the token. */
export const destroyJob: Job = {
  ends: 'after one call',
  async perform(_, [request]) {
    const { module, token, uri, pin, label, id, but, pinRecord } = request as DestroyRequest;
    const open = await openToken({ module, token, uri, pin, notes: pinRecord });
    await open.destroy(label, id, but);
  },
  explain: (error) => tellTokenError(error, DOING),
};
