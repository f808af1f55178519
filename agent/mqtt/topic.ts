import { parse } from 'node:querystring';

/** A topic by which a hub answers, or calls. */
export type Topic =
  | { readonly of: 'method'; readonly name: string; readonly request: string }
  | {
      readonly of: 'twin-answer';
      /** A status of HTTP; 0 where it is no number. */
      readonly status: number;
      /** The ID of the answered request. */
      readonly request: string;
      /** Of the reported properties, after a write. */
      readonly version?: string;
    };

const TOPIC = /^\$iothub\/(?:methods\/POST\/([^/]{1,100})|twin\/res\/([^/?]*))\/\?([!"$-[\]-~]+)$/;

/**
 * An answer names the request in a topic, where MQTT 3.1.1 section 4.7 forbids `#`, `+` and NUL. Hubs send numbers, and get
 * UUIDs from the SDK.
 */
const REQUEST = /^[\w.~:=-]{1,256}$/;

/**
 * Reads `$iothub/methods/POST/{name}/?$rid={request}` and `$iothub/twin/res/{status}/?$rid={request}`. Pure; never throws. The
 * SDK decodes the query likewise, and fails if the request is missing or there twice.
 * @returns undefined for any other topic: newleaf connects with "clean session" off, as the SDK has it, so a hub also serves
 * the subscriptions that other software has made with this identity before
 */
export function readTopic(topic: string): Topic | undefined {
  const [, name, status, query] = TOPIC.exec(topic) ?? [];
  const { $rid: request, $version: version } = parse(query ?? '');
  if (typeof request !== 'string' || !REQUEST.test(request)) return undefined;
  if (name !== undefined) return { of: 'method', name, request };
  const isVersion = typeof version === 'string' && /^\d{1,18}$/.test(version);
  const answered = { of: 'twin-answer', status: /^\d{3}$/.test(status ?? '') ? Number(status) : 0, request } as const;
  return isVersion ? { ...answered, version } : answered;
}
