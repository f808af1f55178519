import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Telemetry } from '../../simulator/telemetry.ts';

const bag = '%24.mid=1&a%20b=%C3%A4+c&empty=&none';
const arrival = (body: string) =>
  ({ bag, body: Buffer.from(body), qos: 1, dup: false, retain: true, connection: 1 }) as const;

test('the newest 200,000 messages of a device and 64 MiB of bodies are kept, and the indices go on', () => {
  const telemetry = new Telemetry();
  for (let n = 1; n <= 210_000; n += 1) telemetry.take(arrival(`n${n}`));
  const { arrived, forgotten, messages } = telemetry.read(0, 1);
  const { index, body, properties } = messages[0] ?? assert.fail();
  assert.deepEqual([arrived, forgotten, index, body], [210_000, 10_000, 10_001, 'n10001']);
  assert.deepEqual(properties, { '$.mid': '1', 'a b': 'ä+c', empty: '', none: null, 'mqtt-retain': 'true' });
  const large = new Telemetry();
  for (let n = 0; n < 70; n += 1) large.take({ ...arrival(''), body: Buffer.alloc(1024 * 1024, 'x') });
  assert.deepEqual([large.read(0, 1).forgotten, large.read(0, 1).messages[0]?.index], [6, 7]);
});

test('a message is marked "again" as often as its PUBACK did not go out', () => {
  const telemetry = new Telemetry();
  for (const message of [telemetry.take(arrival('a')), telemetry.take(arrival('a'))]) telemetry.owe(message);
  const again = [1, 2, 3].map(() => telemetry.take(arrival('a')).again);
  assert.deepEqual([...again, telemetry.read(0, 0).again], [true, true, undefined, 2]);
});
