import type { Assignment, Leaf } from '../../roll/leaf.ts';
import type { Hub, HubSignal } from '../../roll/ports.ts';
import type { Clock } from '../../time/clock.ts';
import { Queue } from '../../time/queue.ts';

interface RenewalOptions {
  /** How long a token lives, in milliseconds. */
  readonly lifeMs: number;
  /** A random number in [0, 1): spreads a fleet that connected in one moment. */
  readonly draw: () => number;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Gets the reason why a renewal failed; it is tried again. */
  readonly failed: (error: unknown) => void;
}

/** Share of its life after which a token is renewed, at the latest; the rest is for trying again. */
const LATEST = 0.75;
const SPREAD_SHARE = 0.1;
const TRIES_IN_A_LIFE = 60;

/**
 * A hub whose sessions outlive their tokens: the hub ends a session when its token ends, so another one is opened before that
 * with a new token, and takes over as every newer connection does. A failure is tried again, because the session is good until
 * its token ends; after that it is lost like any other, and the machine decides.
 */
export function renewing(hub: Hub, { lifeMs, draw, clock, failed }: RenewalOptions): Hub {
  const signals = new Queue<HubSignal>();
  let ending = new AbortController();

  async function renew(leaf: Leaf, assignment: Assignment): Promise<void> {
    ending = new AbortController();
    const { signal } = ending;
    const soon = () => lifeMs * (LATEST - SPREAD_SHARE * draw());
    for (let pause = soon(); ; ) {
      await clock.sleep(pause, signal);
      if (signal.aborted) return;
      try {
        await hub.connect(leaf, assignment, signal);
        pause = soon();
      } catch (error) {
        if (signal.aborted) return;
        failed(error);
        pause = lifeMs / TRIES_IN_A_LIFE;
      }
    }
  }

  async function listen(): Promise<void> {
    for await (const signal of hub.signals) {
      ending.abort();
      signals.push(signal);
    }
  }
  void listen();

  return {
    ...hub,
    async connect(leaf, assignment, abort) {
      ending.abort();
      await hub.connect(leaf, assignment, abort);
      void renew(leaf, assignment);
    },
    signals,
    async close() {
      ending.abort();
      await hub.close();
    },
  };
}
