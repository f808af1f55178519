import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOf, UPLINK_METRICS, uncounted, uplinkMetrics } from '../../../agent/uplink/counters.ts';
import { programOf } from './fakes.ts';

test('metrics: each with its meaning; where nothing waits, there is no age of the oldest', async () => {
  const [one, two] = [programOf('one'), programOf('two')];
  await one.queue.append({ topic: '', payload: Buffer.from('x') });
  one.counts.resent = 3;
  const lines = uplinkMetrics([one, two]).split('\n');
  for (const [name, help] of Object.entries(UPLINK_METRICS)) {
    assert.ok(lines.includes(`# HELP ${name} ${help}`) && lines.includes(`# TYPE ${name} gauge`), name);
  }
  const valuesOf = (metric: string) => lines.filter((line) => line.startsWith(`newleaf_uplink_${metric}{`));
  assert.deepEqual(valuesOf('queued_messages'), [
    'newleaf_uplink_queued_messages{program="one"} 1',
    'newleaf_uplink_queued_messages{program="two"} 0',
  ]);
  assert.deepEqual(valuesOf('resent'), [
    'newleaf_uplink_resent{program="one"} 3',
    'newleaf_uplink_resent{program="two"} 0',
  ]);
  assert.deepEqual(
    valuesOf('oldest_seconds').map((line) => line.split('}')[0]),
    ['newleaf_uplink_oldest_seconds{program="one"'],
  );
  assert.equal(valuesOf('clients').length, 2);
});

test('a program that could not be opened is counted as one that has nothing', () => {
  assert.deepEqual(uncounted('one'), countsOf(programOf('one')));
});

test('what was lost is the sum of what the door, the queue and the inbox have lost', () => {
  const program = programOf('one');
  program.counts.dropped = 1;
  Object.assign(program.queue.counts, { dropped: 2, damaged: 8 });
  Object.assign(program.inbox.counts, { dropped: 4, damaged: 16 });
  Object.assign(program.up, { expired: 32 });
  Object.assign(program.down, { expired: 64 });
  const { dropped, damaged, expired } = countsOf(program);
  assert.deepEqual({ dropped, damaged, expired }, { dropped: 7, damaged: 24, expired: 96 });
});
