import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Arrived,
  eventFault,
  eventTopic,
  type FilterKind,
  messageTopic,
  type Published,
  readArrived,
  readFilter,
  readPublished,
} from '../../../agent/uplink/topics.ts';

const EVENTS = 'devices/me/messages/events';
const event = (bag: string): Published => ({ of: 'event', bag });

/** What a program publishes, and what it is; a pattern: why it is refused. */
const PUBLISHED: readonly (readonly [string, Published | RegExp])[] = [
  [EVENTS, event('')],
  [`${EVENTS}/`, event('')],
  [`${EVENTS}/?`, event('')],
  [`${EVENTS}/a=1`, event('a=1')],
  [`${EVENTS}/a=1/`, event('a=1')],
  [`${EVENTS}/?a=1`, event('a=1')],
  [`${EVENTS}/?a=1/`, event('a=1')],
  [`${EVENTS}/a=1&b&c=&%24.ct=text%2Fplain&$.ce=utf-8`, event('a=1&b&c=&%24.ct=text%2Fplain&$.ce=utf-8')],
  [`${EVENTS}/a=1/b=2`, event('a=1/b=2')],
  [`${EVENTS}/a=\n`, event('a=\n')],
  ['devices/x%20y/messages/events/', event('')],
  [`${EVENTS}?a=1`, /no topic/],
  [`${EVENTS}x`, /no topic/],
  ['devices//messages/events/', /no topic/],
  ['devices/me/modules/m/messages/events/', /no topic/],
  ['devices/me/messages/devicebound/', /no topic/],
  ['/devices/me/messages/events/', /no topic/],
  ['Devices/me/messages/events/', /no topic/],
  ['', /no topic/],
  ['sensors/1', /no topic/],
  ['$iothub/twin/GET/?$rid=1', { of: 'twin-get', request: '1' }],
  ['$iothub/twin/GET/?a=1&$rid=0c8f-9a.b~c:d%20', { of: 'twin-get', request: '0c8f-9a.b~c:d%20' }],
  ['$iothub/twin/GET/?$rid=', /no \$rid/],
  ['$iothub/twin/GET/?rid=1', /no \$rid/],
  ['$iothub/twin/GET/?$rid=a b', /no \$rid/],
  ['$iothub/twin/GET/?$rid=#', /no \$rid/],
  [`$iothub/twin/GET/?$rid=${'x'.repeat(257)}`, /no \$rid/],
  ['$iothub/twin/GET', /no topic/],
  ['$iothub/twin/PATCH/properties/reported/?$rid=2', { of: 'twin-patch', request: '2' }],
  ['$iothub/twin/PATCH/properties/reported/?$rid=2&$version=7', { of: 'twin-patch', request: '2' }],
  ['$iothub/twin/PATCH/properties/desired/?$rid=2', /no topic/],
  ['$iothub/twin/PATCH/properties/reported/', /no topic/],
  ['$iothub/methods/res/200/?$rid=3', { of: 'method-answer', status: 200, request: '3' }],
  ['$iothub/methods/res/-1/?$rid=3', { of: 'method-answer', status: -1, request: '3' }],
  ['$iothub/methods/res/0/?$rid=3', { of: 'method-answer', status: 0, request: '3' }],
  ['$iothub/methods/res/ok/?$rid=3', /no topic/],
  ['$iothub/methods/res/1234567890/?$rid=3', /no topic/],
  ['$iothub/methods/res/200/', /no topic/],
  ['$iothub/methods/res/200/?', /no \$rid/],
  ['$iothub/methods/POST/open/?$rid=3', /no topic/],
];

for (const [topic, expected] of PUBLISHED) {
  test(`a program publishes ${JSON.stringify(topic).slice(0, 90)}`, () => {
    const read = readPublished(topic);
    if (expected instanceof RegExp) assert.match('wrong' in read ? read.wrong : '', expected);
    else assert.deepEqual(read, expected);
  });
}

const KIB_256 = 262_144;

/** Properties, the length of the body, and why a hub would not take it. */
const EVENTS_TAKEN: readonly (readonly [string, number, RegExp | undefined])[] = [
  ['', 0, undefined],
  ['', KIB_256, undefined],
  ['', KIB_256 + 1, /more than 262144 bytes/],
  ['abc=de', KIB_256 - 5, undefined],
  ['abc=de', KIB_256 - 4, /more than 262144 bytes/],
  ['%C3%A4=%24', KIB_256 - 3, undefined],
  ['%C3%A4=%24', KIB_256 - 2, /more than 262144 bytes/],
  ['a', 1, undefined],
  ['a=', 1, undefined],
  ['a=1&b=2+3', 1, undefined],
  ['%24.mid=1&$.exp=2', 1, undefined],
  ['a=1=2', 1, /two values/],
  ['=1', 1, /no name/],
  ['a=1&', 1, /no name/],
  ['&', 1, /no name/],
  ['a=%', 1, /percent-encoded/],
  ['a=%zz', 1, /percent-encoded/],
  ['%C3=1', 1, /percent-encoded/],
  ['a=%FF', 1, /percent-encoded/],
  [`a=${'x'.repeat(65_380)}`, 1, undefined],
  [`a=${'x'.repeat(65_381)}`, 1, /no room/],
];

for (const [bag, length, fault] of EVENTS_TAKEN) {
  test(`properties ${JSON.stringify(bag).slice(0, 50)}, ${length} bytes: ${fault ?? 'taken'}`, () => {
    const said = eventFault(bag, new Uint8Array(length));
    if (fault === undefined) assert.equal(said, undefined);
    else assert.match(said ?? '', fault);
  });
}

test('the longest properties fit into a topic of MQTT, whatever the device is called there', () => {
  const bag = `a=${'x'.repeat(65_380)}`;
  assert.equal(Buffer.byteLength(eventTopic('d'.repeat(128), bag)), 65_535);
});

const FILTERS: readonly (readonly [string, FilterKind | undefined])[] = [
  ['devices/me/messages/devicebound/#', 'messages'],
  ['$iothub/twin/res/#', 'twin-answers'],
  ['$iothub/twin/PATCH/properties/desired/#', 'desired'],
  ['$iothub/methods/POST/#', 'methods'],
  ['devices/me/messages/devicebound/', undefined],
  ['devices/me/messages/devicebound/a/#', undefined],
  ['devices/+/messages/devicebound/#', undefined],
  ['devices/a#/messages/devicebound/#', undefined],
  ['devices/me/messages/events/#', undefined],
  ['devices/me/modules/m/inputs/#', undefined],
  ['$iothub/twin/#', undefined],
  ['$iothub/methods/POST/open/#', undefined],
  ['#', undefined],
  ['+', undefined],
  ['', undefined],
  ['__proto__', undefined],
  ['constructor', undefined],
];

for (const [filter, kind] of FILTERS) {
  test(`filter ${filter}: ${kind ?? 'refused'}`, () => assert.equal(readFilter(filter)?.kind, kind));
}

test('a program is told its messages under the device ID by which it subscribed', () => {
  assert.equal(readFilter('devices/x y/messages/devicebound/#')?.deviceId, 'x y');
  assert.equal(messageTopic('x y', 'k=v'), 'devices/x y/messages/devicebound/k=v');
});

const ARRIVED: readonly (readonly [string, Arrived | undefined])[] = [
  ['devices/gw/messages/devicebound/%24.to=%2Fdevices%2Fgw&k=v', { of: 'message', bag: '%24.to=%2Fdevices%2Fgw&k=v' }],
  ['devices/gw/messages/devicebound/', { of: 'message', bag: '' }],
  ['devices/gw/messages/devicebound', undefined],
  ['devices/gw/modules/m/messages/devicebound/', undefined],
  ['$iothub/twin/PATCH/properties/desired/?$version=3', { of: 'desired' }],
  ['$iothub/twin/PATCH/properties/reported/?$version=3', undefined],
  ['$iothub/twin/res/200/?$rid=uplink-1', { of: 'twin-answer', status: 200, request: 'uplink-1' }],
  ['$iothub/twin/res/204/?$rid=u&$version=4', { of: 'twin-answer', status: 204, request: 'u', version: '4' }],
  ['$iothub/twin/res/204/?$version=4&$rid=u', { of: 'twin-answer', status: 204, request: 'u', version: '4' }],
  ['$iothub/twin/res/204/?$rid=u&$version=x', { of: 'twin-answer', status: 204, request: 'u' }],
  ['$iothub/twin/res/2000/?$rid=u', undefined],
  ['$iothub/twin/res/200/', undefined],
  ['$iothub/methods/POST/open/?$rid=1', { of: 'method', name: 'open', request: '1' }],
  ['$iothub/methods/POST/a b.c/?$rid=1', { of: 'method', name: 'a b.c', request: '1' }],
  ['$iothub/methods/POST//?$rid=1', undefined],
  ['$iothub/methods/POST/open/', undefined],
  ['', undefined],
];

for (const [topic, expected] of ARRIVED) {
  test(`the hub sends ${topic}`, () => assert.deepEqual(readArrived(topic), expected));
}

/** Of which topics are made, and what none may hold. */
const PIECES = `devices/ me /messages/events /messages/devicebound/ / ? & % + # = a=1 %C3%A4 $rid= 1 200 $version=
  $iothub/ twin/ GET/ PATCH/properties/reported/ PATCH/properties/desired/ methods/ res/ POST/`;
const parts = fc.constantFrom(...PIECES.split(/\s+/), '\u0000', '\n', 'x'.repeat(300));
const topics = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(parts, { maxLength: 12 }).map((some) => some.join('')),
);

test('none of them ever throws, and a $rid is safe in a topic', () => {
  fc.assert(
    fc.property(topics, fc.uint8Array(), (topic, payload) => {
      const published = readPublished(topic);
      if ('request' in published) assert.doesNotMatch(published.request, /[#+\0/&?]/);
      if ('bag' in published) eventFault(published.bag, payload);
      eventFault(topic, payload);
      readFilter(topic);
      readArrived(topic);
    }),
    { numRuns: 5_000 },
  );
});

test('properties that are encoded as SDKs do it are taken, and pass byte for byte', () => {
  const named = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.dictionary(named, fc.string({ unit: 'grapheme' })), fc.boolean(), (properties, hasSlash) => {
      const bag = Object.entries(properties)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&');
      assert.deepEqual(readPublished(`${EVENTS}/${bag}${hasSlash ? '/' : ''}`), event(bag));
      assert.equal(eventFault(bag, new Uint8Array(8)), undefined);
    }),
  );
});

test('a long topic takes no long time', () => {
  const from = process.cpuUsage();
  for (const piece of ['/', '&', '=', '?', '%41', '$rid=1&']) {
    const bag = piece.repeat(65_000 / piece.length);
    readPublished(`${EVENTS}/${bag}`);
    readPublished(`$iothub/twin/GET/?${bag}`);
    eventFault(bag, new Uint8Array());
    readArrived(`$iothub/methods/POST/a/?${bag}`);
  }
  assert(process.cpuUsage(from).user < 2_000_000);
});
