/** A property of a message. The value is null where the bag has only the name (iot-mqtt-connect-to-iot-hub). */
export type Property = readonly [name: string, value: string | null];

/** The topic of a device-to-cloud message, as far as the property bag. */
const eventsOf = (deviceId: string): string => `devices/${deviceId}/messages/events/`;

/** The property bag of a topic for messages of this device, as it came; undefined where the topic is for something else. */
export function eventBag(deviceId: string, topic: string): string | undefined {
  const events = eventsOf(deviceId);
  return topic.startsWith(events) ? topic.slice(events.length) : undefined;
}

/** What a bag holds, decoded; undefined where its percent-encoding is malformed. A plus is a plus. */
export function readBag(bag: string): readonly Property[] | undefined {
  const text = bag.replace(/^\?/, '').replace(/\/$/, '');
  if (text === '') return [];
  try {
    return text.split('&').map((part): Property => {
      const equals = part.indexOf('=');
      if (equals < 0) return [decodeURIComponent(part), null];
      return [decodeURIComponent(part.slice(0, equals)), decodeURIComponent(part.slice(equals + 1))];
    });
  } catch {
    return undefined;
  }
}

/** As a hub writes it into a topic. */
export const writeBag = (properties: readonly Property[]): string =>
  properties
    .map(([name, value]) =>
      value === null ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    )
    .join('&');

/**
 * What counts towards the largest size of a message: its body, names and values of application properties, and the
 * values of system properties (iot-hub-devguide-messages-construct, "Message size").
 */
export function messageSize(properties: readonly Property[], body: Uint8Array): number {
  return properties.reduce((size, [name, value]) => {
    const named = name.startsWith('$.') ? 0 : Buffer.byteLength(name);
    return size + named + Buffer.byteLength(value ?? '');
  }, body.length);
}
