import { type Failure, Fault } from '../../failure/failure.ts';
import type { Hub, HubSignal } from '../../roll/ports.ts';
import { Queue } from '../../time/queue.ts';

export interface PromotionOptions {
  /** Keys by the name that an assignment gives them (agent/keys/hub-key.ts). */
  readonly key: {
    isNext(name: string | undefined): Promise<boolean>;
    promote(name: string): Promise<void>;
  };
  /** Called when the hub refuses the next key, and accepts the previous one. */
  readonly kept: () => void;
  /** Gets the reason why the next key could not take its place; it serves all the same, and the next session tries again. */
  readonly failed: (error: unknown) => void;
}

/**
 * A hub that proves the next key before the previous one is given up. An assignment without the name of a key means the
 * previous one.
 */
export function promoting(hub: Hub, { key, kept, failed }: PromotionOptions): Hub {
  const signals = new Queue<HubSignal>();
  let lost: Failure | undefined;

  async function listen(): Promise<void> {
    for await (const signal of hub.signals) {
      lost = signal.failure;
      signals.push(signal);
    }
  }
  void listen();

  return {
    ...hub,
    async connect(leaf, assignment, abort) {
      const { key: name, ...before } = assignment;
      const isNext = await key.isNext(name);
      try {
        await hub.connect(leaf, assignment, abort);
      } catch (error) {
        if (!isNext || kindOf(error) !== 'refused') throw error;
        // The hub can lag DPS; and it is documented nowhere whether the policy "never re-provision" lets it know a new key at
        // all. Either way the previous key works.
        await hub.connect(leaf, before, abort).catch((again: unknown) => {
          throw kindOf(again) === 'transient' ? again : error;
        });
        kept();
        return;
      }
      if (!isNext || name === undefined) return;
      const heard = lost;
      await key.promote(name).catch(failed);
      // A TPM takes seconds: an end may have been reported meanwhile, which the loop could not match to an open session.
      if (lost !== undefined && lost !== heard) throw new Fault('NL-HUB-LOST', { cause: lost.cause });
    },
    signals,
  };
}

const kindOf = (error: unknown) => (error instanceof Fault ? error.failure.kind : undefined);
