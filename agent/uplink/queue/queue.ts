import { type Failure, Fault } from '../../failure/failure.ts';
import type { MessageQueue, QueueCounts } from '../ports.ts';
export interface QueueOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs?: number;
  readonly whenFull: 'refuse' | 'drop-oldest';
  readonly now: () => number;
  readonly warn: (met: Failure) => void;
}
export function openQueue(_options: QueueOptions): Promise<MessageQueue & { readonly counts: QueueCounts }> {
  throw new Fault('NL-INTERNAL');
}
