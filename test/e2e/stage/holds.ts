import assert from 'node:assert/strict';

/** Asserts that an object has these fields, whatever else it has: Node 20 has no assert.partialDeepStrictEqual. */
export function holds(actual: unknown, expected: object): void {
  assert.deepEqual(cutTo(actual, expected), expected);
}

function cutTo(actual: unknown, expected: unknown): unknown {
  if (!isObject(actual) || !isObject(expected)) return actual;
  return Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, cutTo(actual[name], value)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
