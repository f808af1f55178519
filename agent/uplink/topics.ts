import { readTopic, type Topic } from '../mqtt/topic.ts';

/**
 * The topics of a device, as a hub has them: articles/iot/iot-mqtt-connect-to-iot-hub.md; with the liberties of edgeHub
 * (Azure/iotedge, doc/edgehub-api.md): events with and without a trailing slash, and with a leading `?`.
 */
export type Published =
  | { readonly of: 'event'; readonly bag: string }
  | { readonly of: 'twin-get'; readonly request: string }
  | { readonly of: 'twin-patch'; readonly request: string }
  | { readonly of: 'method-answer'; readonly status: number; readonly request: string };

/** A topic that newleaf does not pass on, with the reason for the log. */
export interface Wrong {
  readonly wrong: string;
}

export type FilterKind = 'messages' | 'twin-answers' | 'desired' | 'methods';

/** A message with its properties: "256 KB" (articles/iot-hub/iot-hub-devguide-quotas-throttling.md). */
export const LARGEST_MESSAGE = 262_144;

/**
 * The topic at the hub must fit into the 65,535 bytes of MQTT 3.1.1 section 1.5.3, with a device ID of 128 characters
 * (articles/iot-hub/iot-hub-devguide-identity-registry.md).
 */
const LONGEST_BAG = 65_535 - 'devices//messages/events/'.length - 128;

const EVENTS = /^devices\/[^/]+\/messages\/events(?:\/\??(.*?)\/?)?$/s;
const TWIN = /^\$iothub\/twin\/(GET|PATCH\/properties\/reported)\/\?(.*)$/s;
const ANSWER = /^\$iothub\/methods\/res\/(-?\d{1,9})\/\?(.*)$/s;
/** Hubs and SDKs send numbers and UUIDs. In a topic `#`, `+` and NUL are forbidden (MQTT 3.1.1 section 4.7). */
const REQUEST = /(?:^|&)\$rid=([\w.~:%=-]{1,256})(?:&|$)/;

const FILTERS: Readonly<Record<string, FilterKind>> = {
  '$iothub/twin/res/#': 'twin-answers',
  '$iothub/twin/PATCH/properties/desired/#': 'desired',
  '$iothub/methods/POST/#': 'methods',
};

/** Reads the topic of a PUBLISH by a program. Pure; never throws. */
export function readPublished(topic: string): Published | Wrong {
  const events = EVENTS.exec(topic);
  if (events !== null) return { of: 'event', bag: events[1] ?? '' };
  const [, verb, asked = ''] = TWIN.exec(topic) ?? [];
  const [, status, answered = ''] = ANSWER.exec(topic) ?? [];
  const [, request] = REQUEST.exec(asked || answered) ?? [];
  if (verb === undefined && status === undefined) return { wrong: `a hub has no topic ${topic.slice(0, 100)}` };
  if (request === undefined) return { wrong: `${topic.slice(0, 100)} has no $rid` };
  if (status !== undefined) return { of: 'method-answer', status: Number(status), request };
  return { of: verb === 'GET' ? 'twin-get' : 'twin-patch', request };
}

/**
 * Whether a hub takes an event with these properties. It closes the session over one that it does not take, so this is judged
 * before the PUBACK. Pure.
 * @returns the reason against it; undefined where it is taken
 */
export function eventFault(bag: string, payload: Uint8Array): string | undefined {
  if (Buffer.byteLength(bag) > LONGEST_BAG) return `properties of ${Buffer.byteLength(bag)} bytes; a topic has no room`;
  let length = payload.length;
  for (const pair of bag === '' ? [] : bag.split('&')) {
    const [name = '', ...value] = pair.split('=');
    if (value.length > 1) return `a property of ${pair.slice(0, 100)} has two values`;
    for (const part of [name, ...value]) {
      const text = decoded(part);
      if (text === undefined) return `a property is not percent-encoded UTF-8: ${part.slice(0, 100)}`;
      length += Buffer.byteLength(text);
    }
    if (name === '') return 'a property has no name';
  }
  return length > LARGEST_MESSAGE ? `with its properties it has more than ${LARGEST_MESSAGE} bytes` : undefined;
}

/** Percent-encoded UTF-8; undefined where it is not. Pure. */
export function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The topic of an event at the hub. */
export const eventTopic = (deviceId: string, bag: string): string => `devices/${deviceId}/messages/events/${bag}`;

const DEVICEBOUND = /^devices\/([^/]+)\/messages\/devicebound\/(.*)$/s;

/** What a program may subscribe to, and by which device ID it was told to. Pure. @returns undefined for any other filter */
export function readFilter(filter: string): { readonly kind: FilterKind; readonly deviceId?: string } | undefined {
  const kind = Object.hasOwn(FILTERS, filter) ? FILTERS[filter] : undefined;
  if (kind !== undefined) return { kind };
  const [, deviceId, rest] = DEVICEBOUND.exec(filter) ?? [];
  return deviceId !== undefined && rest === '#' && !/[+#]/.test(deviceId) ? { kind: 'messages', deviceId } : undefined;
}

/** A topic by which the hub sends. */
export type Arrived = { readonly of: 'message'; readonly bag: string } | { readonly of: 'desired' } | Topic;

/** Reads the topic of a message from the hub. Pure. @returns undefined for one that no program knows */
export function readArrived(topic: string): Arrived | undefined {
  const [, , bag] = DEVICEBOUND.exec(topic) ?? [];
  if (bag !== undefined) return { of: 'message', bag };
  if (topic.startsWith('$iothub/twin/PATCH/properties/desired/')) return { of: 'desired' };
  const read = readTopic(topic);
  return read?.of === 'twin-answer' && read.status === 0 ? undefined : read;
}

/** The topic of a message at a program that was told this device ID: SDKs compare it with their own. */
export const messageTopic = (deviceId: string, bag: string): string =>
  `devices/${deviceId}/messages/devicebound/${bag}`;
