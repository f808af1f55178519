import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageSize, readBag, writeBag } from '../../simulator/bag.ts';
import { Line } from '../../simulator/line.ts';
import { Telemetry } from '../../simulator/telemetry.ts';

const arrival = (body: string) => ({
  bag: '',
  body: Buffer.from(body),
  qos: 1 as const,
  dup: false,
  retain: false,
  connection: 1,
});

test('the newest 200,000 messages of a device are kept, and the indices go on', () => {
  const telemetry = new Telemetry();
  for (let n = 1; n <= 210_000; n += 1) telemetry.take(arrival(`n${n}`));
  const { arrived, forgotten, messages } = telemetry.read(0, 2);
  assert.deepEqual([arrived, forgotten], [210_000, 10_000]);
  assert.deepEqual(
    messages.map(({ index, body }) => [index, body]),
    [
      [10_001, 'n10001'],
      [10_002, 'n10002'],
    ],
  );
  assert.deepEqual(
    telemetry.read(209_999, 10).messages.map(({ body }) => body),
    ['n210000'],
  );
});

test('the bodies that are kept of a device have 64 MiB', () => {
  const telemetry = new Telemetry();
  const body = Buffer.alloc(1024 * 1024, 'x');
  for (let n = 0; n < 70; n += 1) telemetry.take({ ...arrival(''), body });
  assert.equal(telemetry.read(0, 0).forgotten, 6);
  assert.equal(telemetry.read(0, 1).messages[0]?.index, 7);
});

test('a message that is owed twice is taken again twice', () => {
  const telemetry = new Telemetry();
  const [first, second] = [telemetry.take(arrival('a')), telemetry.take(arrival('a'))];
  telemetry.owe(first);
  telemetry.owe(second);
  const again = [1, 2, 3].map(() => telemetry.take(arrival('a')).again);
  assert.deepEqual(again, [true, true, undefined]);
  assert.equal(telemetry.read(0, 0).again, 2);
});

test('a bag reads back as it was written; a name alone, an empty value and a plus are what they are', () => {
  const properties = [
    ['$.mid', 'a/b'],
    ['ä&=%', '100 %'],
    ['none', null],
    ['empty', ''],
    ['a+b', 'c+d'],
  ] as const;
  assert.equal(writeBag(properties), '%24.mid=a%2Fb&%C3%A4%26%3D%25=100%20%25&none&empty=&a%2Bb=c%2Bd');
  assert.deepEqual(readBag(writeBag(properties)), properties);
  assert.deepEqual(readBag('a+b=c+d'), [['a+b', 'c+d']]);
  assert.deepEqual(readBag(''), []);
  assert.equal(readBag('a=%zz'), undefined);
});

test('names of system properties do not count in the size of a message', () => {
  assert.equal(messageSize(readBag('%24.mid=12&ab=%C3%A4&none') ?? [], Buffer.from('body')), 2 + 4 + 4 + 4);
});

test('a line keeps its order, whatever the waits, and stops when it is ended', async () => {
  const line = new Line();
  const done: number[] = [];
  await new Promise<void>((resolve) => {
    line.add(0, () => done.push(1));
    line.add(20, () => done.push(2));
    line.add(0, () => done.push(3));
    line.add(10, () => {
      done.push(4);
      // What comes while another is done waits its turn.
      line.add(0, () => done.push(6));
    });
    line.add(0, () => done.push(5));
    line.add(0, resolve);
    assert.deepEqual(done, [1]);
  });
  await new Promise<void>((resolve) => line.add(0, resolve));
  assert.deepEqual(done, [1, 2, 3, 4, 5, 6]);
  line.add(0, () => done.push(7));
  assert.equal(done.at(-1), 7, 'at once: there is nothing to wait for');
  const never = new Line();
  never.add(1, () => done.push(8));
  never.end();
  await new Promise<void>((resolve) => line.add(20, resolve));
  assert.equal(done.at(-1), 7);
});
