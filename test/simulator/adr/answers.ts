import { randomBytes } from 'node:crypto';
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

// The words are those of the test run (iothub/device/src/csr-scenarions.md of azure-iot-sdk-csharp).

export const invalid = (message: string): Refusal => ({
  errorCode: 400004,
  message: `Issue certificate request ${message}`,
});
export const NOT_JSON: Refusal = { errorCode: 400006, message: 'cannot decode json format' };

export const nothingToReplace = (requestId: string): Refusal => ({
  errorCode: 412001,
  message:
    "No active certificate request found to replace. Ensure the request ID in the 'replace' property matches an existing pending request.",
  info: { requestId },
});

/** The CA's no. */
export function csrRefusal({ error, message }: BadCsr, correlationId: string, { renewalCodes }: AdrSwitches): Refusal {
  const credentialError = renewalCodes === 'newer' ? error : '400000';
  return {
    errorCode: CODES[renewalCodes].csr,
    message: 'Unable to complete the certificate request at this time.',
    info: { correlationId, credentialError, credentialMessage: message },
  };
}

/** "Exactly one operation per device". */
export function activeRefusal(
  requestId: string,
  correlationId: string,
  expires: number,
  { renewalCodes }: AdrSwitches,
): Refusal {
  return {
    errorCode: CODES[renewalCodes].active,
    message:
      "A credential management operation is already active. Use the requestId in info to check the status of the existing request, or send a new request with 'replace' to cancel and start a new one.",
    info: { requestId, operationExpires: expiresText(expires), correlationId },
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

export function refusalBody({ errorCode, message, retryAfter, info }: Refusal, { noInfo }: AdrSwitches): object {
  return {
    errorCode,
    message,
    trackingId: `${randomBytes(16).toString('hex').toUpperCase()}-G2:-TimeStamp:${new Date().toISOString()}`,
    timestampUtc: expiresText(Date.now()),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(info === undefined ? noInfo === 'null' && { info: null } : { info }),
  };
}

/** With nine digits behind the second, as the service was seen to write it. */
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
