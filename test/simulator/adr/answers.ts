import { randomUUID } from 'node:crypto';
import type { BadCsr } from './csr.ts';
import type { AdrSwitches } from './switches.ts';

/** How a hub refuses a request for a certificate: the status of its topic is the first three digits. */
export interface Refusal {
  readonly errorCode: number;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number;
  readonly info?: Readonly<Record<string, string>>;
}

/** What differs between the clients of 2026 (api 2025-08-01-preview) and Microsoft's test run of 2026-01-30. */
const CODES = {
  newer: { csr: 400040, active: 409005 },
  'live-run': { csr: 400037, active: 409004 },
} as const;

export const invalid = (message: string): Refusal => ({ errorCode: 400004, message });
export const NOT_JSON: Refusal = { errorCode: 400006, message: 'The body is no JSON.' };
export const NOTHING_TO_REPLACE: Refusal = { errorCode: 412001, message: 'No such request is active.' };

/** The CA's no. */
export function csrRefusal({ error, message }: BadCsr, correlationId: string, { renewalCodes }: AdrSwitches): Refusal {
  const credentialError = renewalCodes === 'newer' ? error : '400000';
  return {
    errorCode: CODES[renewalCodes].csr,
    message: 'The certificate request was refused.',
    info: { correlationId, credentialError, credentialMessage: message },
  };
}

/** "Exactly one operation per device". */
export function activeRefusal(requestId: string, expires: number, { renewalCodes }: AdrSwitches): Refusal {
  return {
    errorCode: CODES[renewalCodes].active,
    message: 'Another request is active.',
    info: { requestId, operationExpires: expiresText(expires) },
  };
}

/** The numbers of the other families, for the fault that answers by status. */
export const USUAL_CODE: Readonly<Record<number, number>> = {
  400: 400001,
  412: 412001,
  429: 429002,
  500: 500001,
  503: 503001,
};

export function refusalBody({ errorCode, message, retryAfter, info }: Refusal): object {
  return {
    errorCode,
    message,
    trackingId: randomUUID(),
    timestampUtc: new Date().toISOString(),
    ...(retryAfter !== undefined && { retryAfter }),
    info: info ?? null,
  };
}

/** With seven digits behind the second and two more, as the service was seen to write it. */
export const expiresText = (at: number): string => new Date(at).toISOString().replace('Z', '000000Z');

/** The certificates of an answer, base64 of the DER. */
export function shownChain([leaf, ...above]: readonly Buffer[], { issuedChain }: AdrSwitches): string[] {
  const chain = [...(leaf ? [leaf] : []), ...(issuedChain === 'leaf-ica' ? above.slice(0, -1) : above)];
  const ordered = issuedChain === 'root-first' ? chain.toReversed() : chain;
  return ordered.map((der) => der.toString('base64'));
}

/** The topic of an answer (`$iothub/credentials/res/…`). */
export function answerTopic(status: number, rid: string, { renewalTopic }: AdrSwitches): string {
  const place = `$iothub/credentials/res/${status}/`;
  if (renewalTopic === 'plain') return `${place}${rid}`;
  return `${place}?$rid=${rid}${renewalTopic === 'rid-and-version' ? '&$version=1' : ''}`;
}
