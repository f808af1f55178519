import type { SecureContext } from 'node:tls';
import { within } from '../mqtt/within.ts';
import { Fault, failure } from '../roll/failure.ts';
import type { Assignment, Leaf } from '../roll/leaf.ts';
import type { Answerer, Hub } from '../roll/ports.ts';
import { Connection } from './connection.ts';
import { Signals } from './signals.ts';

export interface HubOptions {
  readonly contextFor: (leaf: Leaf) => Promise<SecureContext>;
  /** Makes the SharedAccessSignature of a device that has no certificate. */
  readonly tokenFor?: (assignment: Assignment) => Promise<string>;
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
 * `connect` throws Fault NL-HUB-*, what `contextFor`, `tokenFor` or the token throws, or the reason of the abort signal. Once it
 * has CONNACK 0 the older session is gone (the hub allows one connection per device), even if the twin read fails
 * after that. NL-HUB-LOST from `connect` means that the hub accepted and then ended the connection.
 */
export function createHub(options: HubOptions): Hub {
  const { contextFor, tokenFor, answer, version, connectMs = 30_000, twinMs = 30_000 } = options;
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
      const token = tokenFor && (await within(tokenFor(assignment), { abort }));
      const next = new Connection({ assignment, context, token, answer, version, connectMs, twinMs });
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
