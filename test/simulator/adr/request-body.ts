import { invalid, NOT_JSON, type Refusal } from './answers.ts';
import { decoded, LONGEST } from './csr.ts';

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
  if (payload.length === 0) return invalid("payload is missing. Include a JSON payload with 'id' and 'csr' fields.");
  let body: unknown;
  try {
    body = JSON.parse(payload.toString());
  } catch {
    return NOT_JSON;
  }
  // An array is an object without an id, and so is refused.
  const fields = (Array.isArray(body) ? {} : (body ?? {})) as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    return invalid("payload contains an unknown field. Only 'id', 'csr', and 'replace' fields are allowed.");
  }
  if (fields.id === '') {
    return invalid("'id' field is invalid or missing. Provide the device ID of the authenticated device.");
  }
  if (fields.id !== deviceId) {
    return invalid(
      "'id' field does not match the authenticated device ID. Use the same device ID used for authentication.",
    );
  }
  const der = decoded(fields.csr);
  if (der === undefined) return invalid(wrongCsr(fields.csr));
  const replace = fields.replace ?? undefined;
  if (replace !== undefined && replace !== '*' && !(typeof replace === 'string' && usableRid(replace))) {
    return invalid("'replace' field has an invalid format. Use '*' to replace any pending request.");
  }
  return { csr: String(fields.csr), der, replace };
}

function wrongCsr(csr: unknown): string {
  if (typeof csr !== 'string' || csr.length === 0) {
    return "'csr' field is invalid or missing. Provide a valid base64-encoded certificate signing request.";
  }
  return csr.length > LONGEST
    ? "'csr' field exceeds maximum allowed length. Reduce the CSR size."
    : "'csr' field is not valid base64. Ensure the CSR is properly base64-encoded.";
}
