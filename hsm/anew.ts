import type { Job } from './job.ts';
import { knownToken } from './known-token.ts';
import { PinRecord } from './pin-record.ts';
import { rehearse } from './rehearse.ts';
import { TokenConnectors } from './tls.ts';
import { prepareTls, type TlsSettings } from './tls-way.ts';
import { openToken } from './token.ts';
import { askOnce, tellTokenError } from './token-work.ts';

/** A module that needs ten seconds for each call is slow; one that hangs cannot do it. */
const TIME_LIMIT_MS = 180_000;

const DOING = 'A handshake in a new process';

/** What a start is given. */
interface AnewOptions extends TlsSettings {
  readonly token: string | undefined;
  readonly uri: string | undefined;
  /** Asked each time, and of the place where a start would find it. */
  readonly pin: () => Promise<string>;
  /** Directory of the PinRecord, and of the note about the token. */
  readonly pinRecord: string;
  /** For the nameless copy of the PIN. */
  readonly directory: string;
}

/** A key by its CKA_ID in lower-case hex, and a leaf for it: PEM. */
interface Shown {
  readonly id: string;
  readonly chain: string;
}

type AnewRequest = Omit<AnewOptions, 'pin'> & Shown & { readonly pin: string };

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
    const { id, chain, tls, pinRecord, directory, ...named } = request as AnewRequest;
    const helped = await prepareTls({ module: named.module, tls });
    const known = await knownToken(pinRecord);
    const token = await openToken({ ...named, known, pinRecord: new PinRecord(pinRecord) });
    const connectors = new TokenConnectors(token, named.pin, directory, helped);
    await rehearse((maxVersion, ca) => connectors.connector({ id, chain, ca, maxVersion }));
  },
  explain: (error) => tellTokenError(error, DOING),
};
