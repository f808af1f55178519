import { type Mutation, of } from './mutation.ts';

const inQueue = (file: string, loss: string, find: string, replace: string, equivalent?: string): Mutation =>
  of(`uplink/queue/${file}`, loss, find, replace, equivalent);

/** Losses of the queue on disk: messages that a program was told are safe, and messages that it was told are not. */
export const QUEUE: readonly Mutation[] = [
  inQueue(
    'tail.ts',
    'a message is acknowledged before it is synced',
    'await file.datasync();',
    'void file.datasync();',
  ),
  inQueue(
    'tail.ts',
    'the name of a new segment is lost with the power',
    'if (!this.#isListed) await',
    'if (this.#isListed) await',
  ),
  inQueue(
    'tail.ts',
    'a segment that a process before has made is lost with the power',
    'this.#segment = options.isWhole ? options.segments.at(-1) : undefined;',
    'this.#isListed = true;\n    this.#segment = options.isWhole ? options.segments.at(-1) : undefined;',
  ),
  inQueue(
    'tail.ts',
    'after a failed sync the same file is synced again, and called good',
    'await this.#leave(file, segment);\n      throw new Unsynced',
    'throw new Unsynced',
  ),
  inQueue(
    'tail.ts',
    'a failed sync refuses messages that another segment would take',
    'if (error instanceof Unsynced) return this.#attempt(records);',
    '',
  ),
  inQueue(
    'tail.ts',
    'a message that was refused comes after a restart',
    'try {\n      await file.truncate(segment.end);\n      await file.sync();',
    'try {',
  ),
  inQueue(
    'tail.ts',
    'a message that was refused comes after a power cut',
    'await file.truncate(segment.end);\n      await file.sync();',
    'await file.truncate(segment.end);',
  ),
  inQueue(
    'tail.ts',
    'a segment of a refused batch stays, and hides the next one',
    'if (segment.end > 0) return;\n    segments.pop();',
    'segments.pop();',
  ),
  inQueue('cursor.ts', 'what a failed sync left in a segment is sent twice', 'sequence < this.#limit(segment) && ', ''),
  inQueue('cursor.ts', 'an empty segment in the middle ends the queue', ' && following === segments.at(-1))', ')'),
  inQueue(
    'record.ts',
    'a rotten header costs the rest of its segment',
    'from = bytes.indexOf(MARK, from + 1)',
    'from = -1',
  ),
  inQueue('record.ts', 'a rotten payload is sent', ' || crc32(record.subarray(HEADER_BYTES)) !== bodyCrc', ''),
  inQueue(
    'segments.ts',
    'a torn message counts as damage after each crash',
    'if (messageOf(header, bytes.subarray(from, end)) === undefined) continue;',
    '',
  ),
  inQueue('open.ts', 'new messages are taken for dropped ones', 'Math.max(mended.next, head)', 'mended.next'),
  inQueue(
    'open.ts',
    'all of the first segment comes again after a restart',
    'if (head <= segment.first)',
    'if (head > 0)',
  ),
  inQueue('reader.ts', 'a reader that begins again gets a message out of order', 'round !== this.#round || ', ''),
  inQueue(
    'reader.ts',
    'a message that the hub has is sent again',
    ' || !this.#open.has(header.sequence)) continue',
    ') continue',
  ),
  inQueue('reader.ts', 'a segment goes while a message in it is on its way', 'if (segment.open > 0) return;', ''),
  inQueue('reader.ts', 'room is made with a message that is not too old', 'isAny || ', 'true || '),
  inQueue(
    'age.ts',
    'a clock that is set forward drops all messages of the run',
    'Math.min(now() - at, longest)',
    'now() - at',
  ),
  inQueue('age.ts', 'the first time that a clock is set drops all messages', 'if (at < CREDIBLE) return false;', ''),
  inQueue(
    'head.ts',
    'a rotten head drops messages that the hub has not',
    'return isGood ? ',
    'return bytes.length > 0 ? ',
  ),
  inQueue('queue.ts', 'one message too large drops all others', 'if (bytes > maxBytes) return false;', ''),
  inQueue(
    'queue.ts',
    'programs at once wait for one sync each',
    'if (one === undefined || (isEnough',
    'if (one === undefined || (true',
  ),
];
