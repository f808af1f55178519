import mqttPacket from 'mqtt-packet';

// mqtt-packet 6.10.0 fills a table of 65,536 two-byte Buffers at its first packet: 15 MiB (Node 20) to 20 MiB (Node 24)
// that a program with a handful of packet identifiers never uses. Must be set on the copy that mqtt 4.3.8 requires.
mqttPacket.writeToStream.cacheNumbers = false;

/** The packets of a server (MQTT 3.1.1 section 2.2.1). */
export const BY_SERVERS: ReadonlySet<string | undefined> = new Set([
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
  'pingresp',
]);

/** The one copy of mqtt-packet in the daemon, without its table of numbers. */
export { mqttPacket };
