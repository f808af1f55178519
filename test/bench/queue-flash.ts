import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openQueue } from '../../agent/uplink/queue/open.ts';
import { Flash } from './flash.ts';

/**
 * What a message costs the flash: bytes and cache flushes that reach the device under a file system of its own (ext4, or the one
 * that is named). Run by itself, as root: `node --import tsx test/bench/queue-flash.ts [SECONDS] [ext4|xfs|btrfs]`
 */
const [seconds = '30', type = 'ext4'] = process.argv.slice(2);
const PUBACK_MS = 40;
const message = { topic: 'devices/gw-0001/messages/events/', payload: Buffer.alloc(200, 'x') };

const flash = Flash.open(type);

interface Load {
  readonly burst: number;
  readonly everyMs: number;
  /** Each is dropped when a PUBACK would have come; else the hub is away. */
  readonly isSent: boolean;
}

/** Bursts of so many at once. What the first one costs is told apart: a new segment is written in advance, for about 900 messages. */
async function run({ burst, everyMs, isSent }: Load): Promise<void> {
  const options = { maxBytes: 64 * 1024 * 1024, whenFull: 'refuse', now: Date.now } as const;
  const directory = join(flash.directory, `${burst}-${everyMs}-${isSent}`);
  const queue = await openQueue({ ...options, directory, warn: (met) => console.error(met.message) });
  const took: number[] = [];
  const send = async () => {
    const from = performance.now();
    await Promise.all(Array.from({ length: burst }, () => queue.append(message)));
    took.push(performance.now() - from);
    for (let left = isSent ? burst : 0; left > 0; left -= 1) {
      const stored = await queue.next();
      if (stored !== undefined) setTimeout(() => queue.drop(stored), PUBACK_MS);
    }
  };
  const begun = flash.written();
  await send();
  const before = flash.written();
  const end = performance.now() + Number(seconds) * 1000;
  for (let due = performance.now(); due < end; due += everyMs) {
    await pause(Math.max(0, due - performance.now()));
    await send();
  }
  const after = flash.reached();
  const count = (took.length - 1) * burst;
  const p50 = took.toSorted((one, other) => one - other)[took.length >> 1] ?? 0;
  const words = [
    `${burst} together each ${everyMs} ms, ${isSent ? 'sent' : 'the hub is away'}: ${count} messages`,
    `each ${Math.round((after.bytes - before.bytes) / count)} B and ${((after.flushes - before.flushes) / count).toFixed(2)} flushes`,
    `append p50 ${p50.toFixed(2)} ms`,
    `before them ${before.bytes - begun.bytes} B and ${before.flushes - begun.flushes} flushes`,
  ];
  console.log(words.join('; '));
  await queue.close();
}

try {
  await run({ burst: 1, everyMs: 100, isSent: true });
  await run({ burst: 1, everyMs: 100, isSent: false });
  await run({ burst: 8, everyMs: 100, isSent: true });
  await run({ burst: 1, everyMs: 1000, isSent: true });
} finally {
  flash.close();
}
