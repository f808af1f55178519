import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault, failure } from '../../../agent/failure/failure.ts';
import { Reserve } from '../../../agent/uplink/queue/reserve.ts';
import { writeRejected } from '../../../agent/uplink/rejected.ts';
import { scratch } from '../state/disk.ts';

const WHY = failure('NL-UPLINK-CONTENT', { message: 'No hub takes it: it has no end.' });
const message = { topic: 'sensors/1', payload: Buffer.from('hello'), at: Date.parse('2030-01-01T00:00:00Z') };

test('a message is written with its reason; of all the newest hundred are kept, and other files are let alone', async (t) => {
  const directory = join(scratch(t), 'rejected');
  const reserve = new Reserve({ directory: '/', monotonic: () => 0 });
  await writeRejected(directory, message, WHY, reserve);
  assert.deepEqual(JSON.parse(readFileSync(join(directory, '1.json'), 'utf8')), {
    at: '2030-01-01T00:00:00.000Z',
    code: 'NL-UPLINK-CONTENT',
    reason: 'No hub takes it: it has no end.',
    properties: 'sensors/1',
    body: Buffer.from('hello').toString('base64'),
  });
  writeFileSync(join(directory, 'notes.txt'), '');
  for (let count = 2; count <= 103; count += 1) await writeRejected(directory, message, WHY, reserve);
  const names = readdirSync(directory);
  assert.equal(names.length, 101);
  for (const gone of ['1.json', '2.json', '3.json']) assert(!names.includes(gone));
});

test('the last bytes of the disk are not for it', async (t) => {
  const full = { take: async () => false } as unknown as Reserve;
  const written = writeRejected(join(scratch(t), 'rejected'), message, WHY, full);
  await assert.rejects(written, (error) => error instanceof Fault && error.failure.code === 'NL-UPLINK-DISK');
});
