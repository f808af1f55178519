import { createHash } from 'node:crypto';
import { CODES, type Failure, failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Answer, Answerer } from '../roll/ports.ts';
import { contentOf } from './content.ts';
import type { Delivery } from './file.ts';
import { plain } from './reject.ts';

export interface Accepted {
  readonly is: 'accepted';
  readonly id: string;
  readonly thumbprint?: string | undefined;
}

export type Verdict = Accepted | { readonly is: 'refused' | 'waiting'; readonly failure: Failure };

/** Has the daemon install a delivery, if it can be read at all. Never throws. */
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
 * The same file has the same ID after a restart, so that it is not installed twice. Another one of that name has another:
 * under the ID of its predecessor it would be taken for done.
 */
function idOf({ name, mark }: Delivery, delivered: Buffer): string {
  const digest = createHash('sha256').update(mark).update(delivered).digest('hex');
  return `inbox-${plain(name, 64)}-${digest.slice(0, 8)}`;
}

interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly advice?: string;
  readonly thumbprint?: string;
  readonly retryAfterSeconds?: number;
}

function read({ status, body }: Answer, id: string): Verdict {
  const { code = '', message = `The daemon answered ${status}.`, advice, thumbprint, retryAfterSeconds }: Body = body;
  if (status === 200 || status === 202) return { is: 'accepted', id, thumbprint };
  const met = failure(Object.hasOwn(CODES, code) ? (code as keyof typeof CODES) : 'NL-INTERNAL', {
    message,
    ...(advice !== undefined && { advice }),
    ...(retryAfterSeconds !== undefined && { retryAfterMs: retryAfterSeconds * 1000 }),
  });
  return { is: status === 400 ? 'refused' : 'waiting', failure: met };
}
