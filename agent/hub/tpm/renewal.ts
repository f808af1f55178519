import type { Assignment, Leaf } from '../../roll/leaf.ts';
import type { Hub, HubSignal } from '../../roll/ports.ts';
import { Queue } from '../../time/queue.ts';

export interface RenewalOptions {
  /** How long a token lives, in milliseconds. */
  readonly lifeMs: number;
  /** A random number in [0, 1): spreads a fleet that connected in one moment. */
  readonly draw: () => number;
  /** Gets the reason why a renewal failed; it is tried again. */
  readonly failed: (error: unknown) => void;
}

/** Share of its life after which a token is renewed, at the latest; the rest is for trying again. */
const LATEST = 0.75;
const SPREAD = 0.1;
const TRIES_IN_A_LIFE = 60;

/**
 * A hub whose sessions outlive their tokens: the hub ends a session when its token ends, so another one is opened before that
 * with a new token, and takes over as every newer connection does. A failure is tried again, because the session is good until
 * its token ends; after that it is lost like any other, and the machine decides.
 */
export function renewing(hub: Hub, { lifeMs, draw, failed }: RenewalOptions): Hub {
  const signals = new Queue<HubSignal>();
  let next: { readonly timer: NodeJS.Timeout; readonly abort: AbortController } | undefined;

  const stop = () => {
    clearTimeout(next?.timer);
    next?.abort.abort();
    next = undefined;
  };
  const plan = (ms: number, leaf: Leaf, assignment: Assignment) => {
    const abort = new AbortController();
    const timer = setTimeout(() => void renew(leaf, assignment, abort.signal), ms);
    next = { timer, abort };
  };
  const soon = () => lifeMs * (LATEST - SPREAD * draw());

  async function renew(leaf: Leaf, assignment: Assignment, abort: AbortSignal): Promise<void> {
    try {
      await hub.connect(leaf, assignment, abort);
      if (!abort.aborted) plan(soon(), leaf, assignment);
    } catch (error) {
      if (abort.aborted) return;
      failed(error);
      plan(lifeMs / TRIES_IN_A_LIFE, leaf, assignment);
    }
  }

  async function listen(): Promise<void> {
    for await (const signal of hub.signals) {
      stop();
      signals.push(signal);
    }
  }
  void listen();

  return {
    ...hub,
    async connect(leaf, assignment, abort) {
      stop();
      await hub.connect(leaf, assignment, abort);
      plan(soon(), leaf, assignment);
    },
    signals,
    async close() {
      stop();
      await hub.close();
    },
  };
}
