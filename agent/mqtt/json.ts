/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether it is a JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Those of a JSON object; none of anything else. */
export const fields = (value: unknown): Fields => (isObject(value) ? value : {});

/** A twin has ten levels, and no answer has more: JSON.stringify ends by a RangeError at some 3,000, and JSON.parse at none. */
const DEEPEST = 100;

/** What a far side or a program has sent; undefined where it is no JSON, or deeper than any is meant to be. Never throws. */
export function jsonIn(payload: string | Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString());
    return isDeep(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Level by level, and not by recursion. */
function isDeep(value: unknown): boolean {
  let level: readonly object[] = isNested(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === DEEPEST) return true;
    level = level.flatMap((one) => Object.values(one).filter(isNested));
  }
  return false;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A value of JSON as words, none where it is empty: String and join throw at `{"toString":1}`. */
export function said(value: unknown): string {
  if (!value) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The same, where only an object is meant. */
export const fieldsIn = (payload: string | Uint8Array): Fields => fields(jsonIn(payload));
