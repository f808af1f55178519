import type { IncomingMessage } from 'node:http';
import { Fault } from '../../failure/failure.ts';

/** A token lives for an hour: with a clock further behind than this, it has expired before it is sent. */
const FAR_BEHIND_MS = 50 * 60_000;

/** The end of a registration in words for a TPM: its clock, or its keys, where the table speaks of a leaf. */
export function unattested({ failure }: Fault, { headers }: IncomingMessage): Fault {
  const { code, cause, retryAfterMs } = failure;
  const behindMs = Date.parse(headers.date ?? '') - Date.now();
  if (failure.kind === 'refused' && behindMs > FAR_BEHIND_MS) {
    const message = `The clock of this gateway is ${Math.round(behindMs / 60_000)} minutes behind that of DPS.`;
    return new Fault('NL-CLOCK', { message, cause });
  }
  const words = WORDS[code];
  return new Fault(code, { ...words, cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

const WORDS: Readonly<Record<string, { readonly message: string; readonly advice: string }>> = {
  'NL-DPS-401002': {
    message: 'DPS does not accept the endorsement key of this TPM: it is another one, or the enrollment is disabled.',
    advice: 'Operator: put what `newleaf tpm` prints into the enrollment, then `newleaf reprovision`.',
  },
  'NL-DPS-404201': {
    message: 'DPS has no TPM enrollment for this registration ID in this ID scope.',
    advice:
      'Operator: create it with what `newleaf tpm` prints, or check dps.id_scope and dps.registration_id; then `newleaf reprovision`.',
  },
};
