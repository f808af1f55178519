import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Answer, Answerer, Received } from '../ask/ask.ts';
import { LARGEST_DELIVERY } from '../ask/form.ts';
import { type Failure, Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Delivery } from './file.ts';
import { plain } from './reject.ts';

export interface Accepted extends Partial<Received> {
  readonly is: 'accepted';
  readonly id: string;
}

export type Verdict = Accepted | { readonly is: 'refused' | 'waiting'; readonly failure: Failure };

/** Has the daemon install a delivery, if it can be read. Never throws. */
export async function verdictOn(delivery: Delivery, answer: Answerer): Promise<Verdict> {
  if (delivery.left !== undefined) return { is: 'waiting', failure: delivery.left };
  // As long as the file has not been read, the fault is its own.
  let is: 'refused' | 'waiting' = 'refused';
  try {
    const delivered = await contentOf(delivery);
    is = 'waiting';
    const id = idOf(delivery, delivered);
    return read(await answer({ kind: 'install', from: 'technician', id, delivered }), id);
  } catch (error) {
    return { is, failure: failureOf(error) };
  }
}

/**
 * The same file has the same ID after a restart, so that it is not installed twice. Another file of that name has another ID:
 * under its predecessor's it would count as done.
 */
function idOf({ name, mark }: Delivery, delivered: Buffer): string {
  const digest = createHash('sha256').update(mark).update(delivered).digest('hex');
  return `inbox-${plain(name, 64)}-${digest.slice(0, 8)}`;
}

function read(answer: Answer, id: string): Verdict {
  switch (answer.is) {
    case 'accepted': {
      const { is, phase: _, ...received } = answer;
      return { ...received, is, id };
    }
    case 'ended':
      return { is: 'accepted', id };
    case 'refused':
      return answer;
    case 'later':
      return { is: 'waiting', failure: { ...answer.failure, retryAfterMs: answer.retryAfterSeconds * 1000 } };
    case 'busy':
    case 'broken':
      return { is: 'waiting', failure: answer.failure };
    default:
      throw new TypeError(`a leaf was delivered, and the answer is a ${answer.is}`);
  }
}

/** @throws Fault NL-LEAF-PARSE with the reason */
async function contentOf({ name, path }: Delivery): Promise<Buffer> {
  try {
    // A link could lead to a file that only the daemon may read, and a pipe would make it wait.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw irregular(name);
      if (stats.size > LARGEST_DELIVERY) {
        const message = `${name} has ${stats.size} bytes; ${LARGEST_DELIVERY} are more than enough for a chain.`;
        const advice = 'Put only the leaf and its intermediates into the inbox.';
        throw new Fault('NL-LEAF-PARSE', { message, advice });
      }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    // open(2): ELOOP for a link that O_NOFOLLOW does not follow, ENXIO for a socket.
    if (code === 'ELOOP' || code === 'ENXIO') throw irregular(name);
    const advice = 'Make it readable for the user that newleaf runs as, and put it into the inbox again.';
    throw new Fault('NL-LEAF-PARSE', { message: `${name} cannot be read.`, cause, advice });
  }
}

function irregular(name: string): Fault {
  const advice = 'Put the file itself into the inbox.';
  return new Fault('NL-LEAF-PARSE', { message: `${name} is not a regular file.`, advice });
}
