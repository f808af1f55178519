import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SharedSession } from '../../../agent/mqtt/hub-session.ts';
import { Serving } from '../../../agent/uplink/serving.ts';
import { TestClock } from '../clock.ts';
import { scratch } from '../state/disk.ts';
import { noting } from './wire/rules.ts';

test('a program whose record is damaged is served by a socket, and the log says what is lost', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'uplink', 'sensors'), { recursive: true });
  writeFileSync(join(directory, 'uplink', 'sensors', 'program.json'), '{');
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
  t.after(() => serving.close());
  assert.deepEqual(
    lines.map(({ event, id, code }) => [event, id, code]),
    [['uplink-failed', 'sensors', 'NL-UPLINK-DISK']],
  );
  assert.match(lines[0]?.message ?? '', /sensors\/program\.json is damaged/);
  const [program] = serving.status().programs;
  assert.deepEqual([program?.name, program?.connects, program?.trouble], ['sensors', 'socket', undefined]);
});
