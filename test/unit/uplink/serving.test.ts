import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { SharedSession } from '../../../agent/mqtt/hub-session.ts';
import { openQueue } from '../../../agent/uplink/queue/open.ts';
import { Serving } from '../../../agent/uplink/serving.ts';
import { TestClock } from '../clock.ts';
import { scratch } from '../state/disk.ts';
import { noting } from './wire/rules.ts';

async function opened(directory: string) {
  const { log, lines } = noting();
  const clock = new TestClock();
  const serving = await Serving.open({
    settings: {
      directory,
      sockets: join(directory, 'sockets'),
      tcp: '127.0.0.1:0',
      maxBytes: 2 ** 20,
      maxAgeMs: undefined,
      whenFull: 'refuse',
      rate: 20,
    },
    session: new SharedSession(),
    clock,
    now: clock.now,
    earliest: 0,
    log,
  });
  return { serving, lines };
}

test('a program whose record is damaged is served by a socket, and the log says what is lost', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'uplink', 'sensors'), { recursive: true });
  writeFileSync(join(directory, 'uplink', 'sensors', 'program.json'), '{');
  const { serving, lines } = await opened(directory);
  t.after(() => serving.close());
  assert.deepEqual(
    lines.map(({ event, id, code }) => [event, id, code]),
    [['uplink-failed', 'sensors', 'NL-UPLINK-DISK']],
  );
  assert.match(lines[0]?.message ?? '', /sensors\/program\.json is damaged/);
  const [program] = serving.status().programs;
  assert.deepEqual([program?.name, program?.connects, program?.trouble], ['sensors', 'socket', undefined]);
});

test('a program whose key is damaged: a lasting trouble, no connection, its messages stay; a new key is made by a command', async (t) => {
  const directory = scratch(t);
  const first = await opened(directory);
  const made = (await first.serving.add('plc', true)) as { key: string };
  await first.serving.close();
  writeFileSync(join(directory, 'uplink', 'plc', 'key'), 'torn');
  const queue = await openQueue({
    directory: join(directory, 'uplink', 'plc', 'queue'),
    maxBytes: 2 ** 20,
    whenFull: 'refuse',
    now: Date.now,
    warn: () => {},
  });
  await queue.append({ topic: '', payload: Buffer.from('a1') });
  await queue.close();
  const { serving } = await opened(directory);
  t.after(() => serving.close());
  const [program] = serving.status().programs;
  assert.deepEqual([program?.connects, program?.trouble?.code, program?.queued], ['key', 'NL-UPLINK-KEY', 1]);
  assert.throws(
    () => serving.show('plc'),
    (error) => error instanceof Fault && error.failure.code === 'NL-UPLINK-KEY',
  );
  const again = (await serving.renew('plc')) as { key: string; queued: number };
  assert.notEqual(again.key, made.key);
  assert.equal(again.queued, 1);
  assert.equal(serving.status().programs[0]?.trouble, undefined);
  await serving.add('tail', false);
  await assert.rejects(
    serving.renew('tail'),
    (error) => error instanceof Fault && error.failure.code === 'NL-UPLINK-PROGRAM',
  );
});
