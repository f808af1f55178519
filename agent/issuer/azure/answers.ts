import { createHash } from 'node:crypto';
import { Fault } from '../../failure/failure.ts';
import { type Fields, fields, jsonIn, said } from '../../mqtt/json.ts';
import { issuedIn } from './issued.ts';

/** An answer of a hub about a certificate. */
export type HubAnswer =
  /** It comes later: in this session or in another. */
  | { readonly is: 'accepted' }
  | { readonly is: 'issued'; readonly chain: string }
  /** Another request of this device is active. */
  | { readonly is: 'active'; readonly request: string | undefined }
  /** There is nothing to replace. */
  | { readonly is: 'nothing' }
  /** This hub does not know the operation. */
  | { readonly is: 'unoffered' }
  | { readonly is: 'failed'; readonly fault: Fault };

export const ANSWERS = '$iothub/credentials/res/';
export const REQUESTS = '$iothub/credentials/POST/issueCertificate/?$rid=';

/** `res/{status}/?$rid={rid}`, perhaps with `&$version=1`; a document of Azure/azure-iot-sdk has `res/{status}/{rid}`. */
const TOPIC = /^\$iothub\/credentials\/res\/(\d{3})\/(?:\?(.*)|([^/?]+))$/;
const LONGEST_WAIT_S = 86_400;

/**
 * The ID of a request for a certificate: 4 to 36 characters of `[A-Za-z0-9-]`. Drawn from the CSR and the leaf that it is to
 * replace, so that the same request has the same ID after a restart, and another one for the same key has another.
 * @param before thumbprint of the current leaf, or the chain that came for this CSR and was refused
 */
export const requestId = (csr: string, before: string): string =>
  createHash('sha256').update(`${before}\n${csr}`).digest('hex').slice(0, 32);

/**
 * Reads an answer. By the status of the topic first: clients of 2026 and a test run of Microsoft have two families of codes
 * (400040 and 409005, 400037 and 409004). Pure; never throws.
 * @returns undefined where the topic names no request
 */
export function readAnswer(topic: string, payload: Uint8Array): { request: string; answer: HubAnswer } | undefined {
  const [, status, query, plain] = TOPIC.exec(topic) ?? [];
  const request = plain ?? new URLSearchParams(query).get('$rid') ?? '';
  if (request === '') return undefined;
  return { request, answer: answerOf(Number(status), jsonIn(payload)) };
}

function answerOf(status: number, body: unknown): HubAnswer {
  const answered = fields(body);
  switch (status) {
    case 200:
      return issued(body);
    case 202:
      return { is: 'accepted' };
    case 404:
    case 405:
    case 501:
      return { is: 'unoffered' };
    case 409: {
      const { requestId: request } = fields(answered.info);
      return { is: 'active', request: typeof request === 'string' && RID.test(request) ? request : undefined };
    }
    case 412:
      return { is: 'nothing' };
    default:
      return { is: 'failed', fault: refusal(status, answered) };
  }
}

const RID = /^[A-Za-z0-9-]{4,36}$/;

/** azure-sdk-for-c expects a bare array; all others, and the test run, have an object. */
function issued(body: unknown): HubAnswer {
  try {
    return { is: 'issued', chain: issuedIn(Array.isArray(body) ? body : fields(body).certificates, 'hub') };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { is: 'failed', fault: error };
  }
}

function refusal(status: number, { errorCode, trackingId, message, retryAfter, info }: Fields): Fault {
  const { credentialError, credentialMessage } = fields(info);
  const tracking = trackingId && `tracking ID ${said(trackingId)}`;
  const cause = [`status ${status}`, said(errorCode), tracking]
    .concat([message, credentialError, credentialMessage].map(said))
    .filter(Boolean)
    .join(', ');
  if (status === 429 || status >= 500) {
    const isTime = typeof retryAfter === 'number' && retryAfter > 0;
    const retryAfterMs = isTime ? Math.min(retryAfter, LONGEST_WAIT_S) * 1_000 : undefined;
    return new Fault('NL-AZURE-BUSY', { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }
  return new Fault('NL-AZURE-REFUSED', { cause });
}
