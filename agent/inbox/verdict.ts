import { createHash } from 'node:crypto';
import type { Answer, Answerer } from '../ask/ask.ts';
import type { Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { contentOf } from './content.ts';
import type { Delivery } from './file.ts';
import { plain } from './reject.ts';

export interface Accepted {
  readonly is: 'accepted';
  readonly id: string;
  readonly thumbprint?: string | undefined;
}

export type Verdict = Accepted | { readonly is: 'refused' | 'waiting'; readonly failure: Failure };

/** Has the daemon install a delivery, if it can be read. Never throws. */
export async function verdictOn(delivery: Delivery, answer: Answerer): Promise<Verdict> {
  if (delivery.left !== undefined) return { is: 'waiting', failure: delivery.left };
  let delivered: Buffer;
  try {
    delivered = await contentOf(delivery);
  } catch (error) {
    return { is: 'refused', failure: failureOf(error) };
  }
  const id = idOf(delivery, delivered);
  try {
    return read(await answer({ kind: 'install', from: 'technician', id, delivered }), id);
  } catch (error) {
    return { is: 'waiting', failure: failureOf(error) };
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
    case 'accepted':
      return { is: 'accepted', id, thumbprint: answer.thumbprint };
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
