import { isDeepStrictEqual } from 'node:util';

/**
 * The twin patch that turns `before` into `after`: only what differs, `null` for what is gone
 * (articles/iot-hub/iot-hub-devguide-device-twins.md). Undefined when nothing differs. Pure.
 */
export function patch(before: unknown, after: unknown): unknown {
  if (after === undefined || after === null) return before === undefined || before === null ? undefined : null;
  if (!isObject(before) || !isObject(after)) return isDeepStrictEqual(before, after) ? undefined : after;
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const change = patch(before[key], after[key]);
    if (change !== undefined) changes[key] = change;
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}

/** Whether it is a JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
