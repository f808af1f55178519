import { isDeepStrictEqual } from 'node:util';
import { type Fields, isObject } from '../mqtt/json.ts';

/**
 * The twin patch that turns `before` into `after`, `null` for fields that are gone
 * (articles/iot-hub/iot-hub-devguide-device-twins.md); undefined when nothing differs. It repeats all of `after`, also what
 * the hub should have: a re-registration may begin the twin anew under an open session (policy "re-provision and reset to
 * initial configuration" of concepts-device-reprovision). Pure.
 */
export function patch(before: unknown, after: unknown): unknown {
  return isDeepStrictEqual(present(before), present(after)) ? undefined : full(before, after);
}

function full(before: unknown, after: unknown): unknown {
  if (!isObject(after)) return after ?? null;
  const old = isObject(before) ? before : {};
  const names = [...new Set([...Object.keys(old), ...Object.keys(after)])];
  const told = names.filter((name) => !isAbsent(own(old, name)) || !isAbsent(own(after, name)));
  return Object.fromEntries(told.map((name) => [name, full(own(old, name), own(after, name))]));
}

/** A property of the other one may be called `valueOf`. */
const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

/** Without null and undefined values: the hub knows neither. */
function present(value: unknown): unknown {
  if (!isObject(value)) return value ?? undefined;
  const there = Object.entries(value).filter(([, field]) => !isAbsent(field));
  return Object.fromEntries(there.map(([name, field]) => [name, present(field)]));
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;
