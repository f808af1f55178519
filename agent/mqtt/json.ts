/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether it is a JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Those of a JSON object; none of anything else. */
export const fields = (value: unknown): Fields => (isObject(value) ? value : {});

/** What a far side or a program has sent; undefined where it is no JSON. Never throws. */
export function jsonIn(payload: string | Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString());
  } catch {
    return undefined;
  }
}

/** The same, where only an object is meant. */
export const fieldsIn = (payload: string | Uint8Array): Fields => fields(jsonIn(payload));
