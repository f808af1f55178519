import { invalid, NOT_JSON, type Refusal } from './answers.ts';
import { decoded } from './csr.ts';

/** A request for a certificate, as a device sends it to its hub. */
export interface RenewalBody {
  /** Base64, as it came. */
  readonly csr: string;
  readonly der: Buffer;
  /** `*`, or the rid of the request that it stands in for. */
  readonly replace: string | undefined;
}

const FIELDS = ['id', 'csr', 'replace'];
/** A UUID fits exactly. */
const RID = /^[A-Za-z0-9](?:[A-Za-z0-9-]{2,34})[A-Za-z0-9]$/;

export const usableRid = (rid: string | undefined): rid is string => rid !== undefined && RID.test(rid);

/** "Any other field ⇒ 400004": as Microsoft's test run of 2026-01-30 saw it. A `replace` of null is what the Java SDK sends. */
export function readBody(payload: Buffer, deviceId: string): RenewalBody | Refusal {
  if (payload.length === 0) return invalid('The body is empty.');
  let body: unknown;
  try {
    body = JSON.parse(payload.toString());
  } catch {
    return NOT_JSON;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return invalid('The body is no object.');
  const fields = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return invalid(`The field "${unknown}" is not known.`);
  if (fields.id !== deviceId) return invalid('The id is not the one of this device.');
  const der = decoded(fields.csr);
  if (der === undefined) return invalid('The csr is missing, empty, too long, or no base64.');
  const replace = fields.replace ?? undefined;
  if (replace !== undefined && replace !== '*' && !(typeof replace === 'string' && usableRid(replace))) {
    return invalid('The field "replace" must be "*", or the rid of a request.');
  }
  return { csr: String(fields.csr), der, replace };
}
