import type { SecureContext } from 'node:tls';
import { within } from '../mqtt/within.ts';
import { Fault, failure } from '../roll/failure.ts';
import type { Leaf } from '../roll/leaf.ts';
import type { Answerer, Hub, HubSignal } from '../roll/ports.ts';
import { Connection } from './connection.ts';

export interface HubOptions {
  readonly contextFor: (leaf: Leaf) => Promise<SecureContext>;
  /** Answers direct methods: at once, before the work that they ask for. */
  readonly answer: Answerer;
  /** Of newleaf. */
  readonly version: string;
  /** Longest time from dialling to CONNACK, in milliseconds. */
  readonly connectMs?: number;
  /** Longest wait for the answer to a twin read or write, in milliseconds. */
  readonly twinMs?: number;
}

/**
 * The session with a hub: at most one that is open, and one that is being opened.
 *
 * `connect` throws Fault NL-HUB-*, what `contextFor` or the token throws, or the reason of the abort signal. Once it
 * has CONNACK 0 the older session is gone (the hub allows one connection per device), even if the twin read fails
 * after that. NL-HUB-LOST from `connect` means that the hub accepted and then ended the connection.
 */
export function createHub({ contextFor, answer, version, connectMs = 30_000, twinMs = 30_000 }: HubOptions): Hub {
  const lost = new Signals();
  let open: Connection | undefined;
  let opening: Connection | undefined;

  async function watch(connection: Connection, thumbprint: string): Promise<void> {
    const reason = await connection.gone;
    if (open === connection) open = undefined;
    // The hub drops the older connection when it accepts the newer one, and may do so before CONNACK 0 is here.
    const takenOver = (await opening?.accepted) === true;
    if (connection.ended || takenOver) return;
    const cause = reason instanceof Fault ? reason.failure.cause : reason;
    lost.push({
      kind: 'lost',
      thumbprint,
      heldMs: Math.round(connection.heldMs),
      failure: failure('NL-HUB-LOST', { ...(cause === undefined ? {} : { cause }) }),
    });
  }

  return {
    async connect(leaf, assignment, abort) {
      const context = await within(contextFor(leaf), { abort });
      const next = new Connection({ assignment, context, answer, version, connectMs, twinMs });
      opening = next;
      try {
        if (!(await within(next.accepted, { abort }))) throw await next.gone;
        void open?.end();
        open = undefined;
        await next.prove(abort);
        open = next;
        void watch(next, leaf.thumbprint);
      } catch (error) {
        void next.end();
        throw error;
      } finally {
        if (opening === next) opening = undefined;
      }
    },
    signals: lost,
    async report(reported) {
      if (open === undefined) throw new Fault('NL-HUB-LOST', { message: 'There is no session with a hub.' });
      await open.report(reported);
    },
    async close() {
      await Promise.all([open?.end(), opening?.end()]);
      open = undefined;
    },
  };
}

/** A queue that is read in order, by one reader at a time, and has no end. */
class Signals implements AsyncIterable<HubSignal> {
  readonly #waiting: HubSignal[] = [];
  #wake = (): void => {};

  push(signal: HubSignal): void {
    this.#waiting.push(signal);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<HubSignal, never> {
    for (;;) {
      const signal = this.#waiting.shift();
      if (signal !== undefined) yield signal;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
