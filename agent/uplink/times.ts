import { decoded, eventFault } from './topics.ts';

/** As a system property and as SDKs without one name it (articles/iot-hub/iot-hub-devguide-messages-construct.md). */
const TAKEN = ['$.ctime', 'iothub-creation-time-utc'];
const EXPIRY = ['$.exp'];
/** SDKs write ISO 8601: that of Node with `Z`, that of Python without a zone (`expiry_time_utc`), that of C# with seven digits. */
const ISO = /^\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:\d\d)?$/;

/** The bag with the time at which the message was taken, where the program gave none, and there is room for it. Pure. */
export function stamped(bag: string, payload: Uint8Array, at: number | undefined): string {
  if (at === undefined || propertyIn(bag, TAKEN) !== undefined) return bag;
  const stamp = `%24.ctime=${encodeURIComponent(new Date(at).toISOString())}`;
  const full = bag === '' ? stamp : `${bag}&${stamp}`;
  return eventFault(full, payload) === undefined ? full : bag;
}

/**
 * Whether the time that its sender gave the message has passed. Pure.
 * @param at milliseconds since the epoch; undefined while the clock is not credible: then none has expired
 */
export function hasExpired(bag: string, at: number | undefined): boolean {
  const [exp, zone] = ISO.exec(propertyIn(bag, EXPIRY) ?? '') ?? [];
  return at !== undefined && exp !== undefined && Date.parse(zone === undefined ? `${exp}Z` : exp) <= at;
}

function propertyIn(bag: string, names: readonly string[]): string | undefined {
  for (const pair of bag.split('&')) {
    const [name = '', value = ''] = pair.split('=');
    if (names.includes(decoded(name) ?? '')) return decoded(value) ?? '';
  }
  return undefined;
}
