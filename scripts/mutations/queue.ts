import { type Mutation, of } from './mutation.ts';

const inQueue = (file: string, loss: string, find: string, replace: string, equivalent?: string): Mutation =>
  of(`uplink/queue/${file}`, loss, find, replace, equivalent);

/** Losses of the queue on disk: messages that a program was told are safe, and messages that it was told are not. */
export const QUEUE: readonly Mutation[] = [
  inQueue(
    'tail.ts',
    'a message is acknowledged before it is synced',
    'await writeWhole(file, records, segment.end);\n      await file.datasync();',
    'await writeWhole(file, records, segment.end);\n      void file.datasync();',
  ),
  inQueue(
    'tail.ts',
    'the first messages of a segment are acknowledged before it is synced',
    'await file.datasync();\n      await disk.rename',
    'void file.datasync();\n      await disk.rename',
  ),
  inQueue(
    'tail.ts',
    'the name of a new segment is lost with the power',
    'await disk.syncDirectory(directory);\n    } catch',
    '} catch',
  ),
  inQueue(
    'tail.ts',
    'after a failed sync the same file is synced again, and called good',
    'await this.close();\n      throw error;',
    'throw error;',
  ),
  inQueue(
    'tail.ts',
    'a failed sync refuses messages that another segment would take',
    'await attempt().catch(attempt);',
    'await attempt();',
  ),
  inQueue('tail.ts', 'a message that was refused comes after a restart', 'await file.truncate(segment.end);', ''),
  inQueue(
    'tail.ts',
    'a message that was refused comes after a power cut',
    'await file.truncate(segment.end);\n      await file.datasync();',
    'await file.truncate(segment.end);',
  ),
  inQueue(
    'tail.ts',
    'a segment takes the name of a note before it is on disk',
    "let path = join(directory, 'new');",
    'let path = segment.path;',
  ),
  inQueue(
    'tail.ts',
    'no room is written in advance: each message changes the length of the file',
    'Buffer.concat([records], length)',
    'records',
  ),
  inQueue(
    'reader.ts',
    'what a failed sync left in a segment is sent twice',
    'this.#following(segment)?.first ?? this.tail.next;',
    'Infinity;',
  ),
  inQueue(
    'reader.ts',
    'messages that a power cut has torn count as damage',
    ' && isUnwritten(bytes, this.#from - base, base, this.#sequence, found)',
    ' && bytes.length < 0',
  ),
  inQueue(
    'memory.ts',
    'a segment is kept in memory for ever',
    'this.#idle = setTimeout(() => this.rest(), IDLE_MS).unref();',
    '',
  ),
  inQueue('record.ts', 'a rotten header costs the rest of its segment', 'at = bytes.indexOf(MARK, at + 1)', 'at = -1'),
  inQueue('record.ts', 'a rotten payload is sent', 'if (crc32(body) === header.bodyCrc) yield', 'yield'),
  inQueue('recovery.ts', 'rot of a whole batch counts as a power cut', 'missing >= last.header.batch', 'missing >= 0'),
  inQueue(
    'recovery.ts',
    'room at the end counts as damage after each crash',
    '!isClosed && (last < end || ',
    '!isClosed && (last < end && ',
  ),
  inQueue('recovery.ts', 'a queue that has lost its end counts nothing', 'isCut: end < bytes.length', 'isCut: end < 0'),
  inQueue('recovery.ts', 'a segment that was closed passes for one that a crash has torn', '!isClosed && (', '('),
  inQueue('reader.ts', 'rot in a segment that was closed passes for a crash', ' && !segment.isClosed', ''),
  inQueue(
    'segments.ts',
    'a disk that is away for a moment costs messages',
    'await disk.syncDirectory(dirname(segment.path));',
    '',
  ),
  inQueue('segments.ts', 'one bad sector costs its segment', 'PAGE_BYTES - (at % PAGE_BYTES)', 'Infinity'),
  inQueue('segments.ts', 'bad sectors are used again', 'isBad ? disk.rename', 'isBad && path.length < 0 ? disk.rename'),
  inQueue('open.ts', 'new messages are taken for dropped ones', 'next: Math.max(next, head)', 'next'),
  inQueue('open.ts', 'all of the first segment comes again after a restart', 'head = Math.max(head, found.head);', ''),
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
  inQueue('age.ts', 'the first time that a clock is set drops all messages', ' || at < CREDIBLE', ''),
  inQueue('queue.ts', 'one message too large drops all others', 'if (bytes > maxBytes) return false;', ''),
  inQueue('queue.ts', 'programs at once wait for one sync each', 'bytes + one.bytes > most && batch', 'batch'),
  inQueue('queue.ts', 'what the hub has comes again after a power cut', 'this.#isNoteDue = true;', ''),
  inQueue('queue.ts', 'each message is followed by a note', 'if (this.head === this.#noted) return;', ''),
];
