import type { Job } from './job.ts';
import { TokenConnectors } from './tls.ts';
import { prepareTls, type TlsSettings } from './tls-way.ts';
import { openToken, type TokenOptions } from './token.ts';
import { askOnce, tellTokenError } from './token-work.ts';

/** A module that needs ten seconds for each call is slow; one that hangs cannot do it. */
const TIME_LIMIT_MS = 180_000;

const DOING = 'A handshake in a new process';

/** A key by its CKA_ID in lower-case hex, and a leaf for it: PEM. */
interface Shown {
  readonly id: string;
  readonly chain: string;
}

interface AnewRequest extends TokenOptions, TlsSettings, Shown {
  /** For the nameless copy of the PIN. */
  readonly directory: string;
}

/** What a start is given. */
interface AnewOptions extends Omit<AnewRequest, 'pin' | keyof Shown> {
  /** Asked each time, and of the place where a start would find it. */
  readonly pin: () => Promise<string>;
}

/**
 * Opens the token in a new process, as a start does, and makes handshakes with a key in it. To sign is not enough: where its
 * files are read-only, SoftHSM 2.6.1 signs for a new process, and answers CKR_GENERAL_ERROR when libp11 lists the slots.
 * @throws TokenError of that process, or of the PIN; CHILD_TIMEOUT, CHILD_ENDED
 */
export const rehearsedAnew =
  ({ pin, ...options }: AnewOptions, limitMs = TIME_LIMIT_MS) =>
  async ({ id, chain }: Shown): Promise<void> => {
    const request: AnewRequest = { ...options, id, chain, pin: await pin() };
    return askOnce('anew', request, DOING, limitMs);
  };

/** The job of that process. */
export const anewJob: Job = {
  ends: 'after one call',
  async perform(_, [request]) {
    const { id, chain, tls, directory, ...named } = request as AnewRequest;
    const { rehearse } = await import('./rehearse.ts');
    const helped = await prepareTls({ module: named.module, tls });
    const token = await openToken(named);
    const connectors = new TokenConnectors(token, named.pin, directory, helped);
    await rehearse((maxVersion, ca) => connectors.connector({ id, chain, ca, maxVersion }));
  },
  explain: (error) => tellTokenError(error, DOING),
};
