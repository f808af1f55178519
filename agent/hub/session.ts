import type { TlsConnector } from '../../hsm/connector.ts';
import { Fault, failure } from '../failure/failure.ts';
import { type Reach, straightly, type Way } from '../mqtt/way.ts';
import type { Assignment, Leaf } from '../roll/leaf.ts';
import type { Hub, HubSignal } from '../roll/ports.ts';
import { systemClock } from '../time/clock.ts';
import { Queue } from '../time/queue.ts';
import { within } from '../time/within.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Keepalive } from './keepalive.ts';

type Limits = Pick<ConnectionOptions, 'connectMs' | 'twinMs' | 'clock' | 'keepalive' | 'dropped'>;

export interface HubOptions
  extends Pick<ConnectionOptions, 'answer' | 'version' | 'user' | 'apiVersion'>,
    Partial<Limits> {
  readonly connectorFor: (leaf: Leaf) => Promise<TlsConnector>;
  readonly reach?: Reach;
  /** Makes the SharedAccessSignature of a device that has no certificate. */
  readonly signatureFor?: (assignment: Assignment) => Promise<string>;
}

interface Session {
  readonly connection: Connection;
  readonly thumbprint: string;
  /** Its end has been reported. */
  isLost?: true;
}

/**
 * The session with a hub: at most one open session, and beside it those being opened.
 *
 * A hub allows one connection per device, so its CONNACK 0 ends the older session with it. Another hub knows nothing of that
 * one, which goes on until the newer is proven.
 *
 * `connect` throws Fault NL-HUB-*, the errors of `connectorFor`, `signatureFor` or the token, or the reason of the abort signal.
 * The older session ends silently where the newer one takes its place, and as lost where it is gone and the newer one fails, or
 * is aborted, before it is proven. NL-HUB-LOST from `connect` means that the hub accepted and then ended the connection.
 */
export function createHub(options: HubOptions): Hub {
  const {
    connectorFor,
    signatureFor,
    reach = straightly,
    ...shared
  } = {
    connectMs: 30_000,
    twinMs: 30_000,
    clock: systemClock,
    keepalive: new Keepalive(),
    dropped: () => {},
    ...options,
  };
  const lost = new Queue<HubSignal>();
  let open: Session | undefined;
  /** Connections being opened, and those of them that have CONNACK 0: work and session connect side by side. */
  const opening = new Set<Connection>();
  const proving = new Set<Connection>();

  /** The hub drops the older connection when it accepts the newer one, and may do so before CONNACK 0 is here. */
  async function isReplaced(at: string): Promise<boolean> {
    const there = [...opening].filter(({ place }) => place === at);
    return (await Promise.all(there.map(({ accepted }) => accepted))).includes(true);
  }

  async function watch(session: Session): Promise<void> {
    const { connection } = session;
    const reason = await connection.gone;
    if (open === session) open = undefined;
    if (!connection.ended && !(await isReplaced(connection.place)))
      lose(session, reason instanceof Fault ? reason.failure.cause : reason);
  }

  /** A newer connection took the place of this session, and was not proven: the loop, which counts on the session, must know. */
  async function forsake(session: Session, cause: unknown): Promise<void> {
    if (open === session) open = undefined;
    await session.connection.end();
    lose(session, cause);
  }

  function lose(session: Session, cause: unknown): void {
    if (session.isLost) return;
    session.isLost = true;
    const { connection, thumbprint } = session;
    const heldMs = Math.round(connection.heldMs);
    const met = connection.wasIdle() ?? failure('NL-HUB-LOST', { ...(cause === undefined ? {} : { cause }) });
    // In a later turn: it must not overtake the promises that the end of `connect` resolves.
    setImmediate(() => lost.push({ kind: 'lost', thumbprint, heldMs, failure: met }));
  }

  /** One attempt over one way. */
  async function attempt(next: Connection, leaf: Leaf, abort: AbortSignal): Promise<void> {
    const isThere = (session: Session | undefined) => session?.connection.place === next.place;
    const older = isThere(open) ? open : undefined;
    let replaced: Session | undefined;
    opening.add(next);
    try {
      if (!(await within(next.accepted, { abort }))) throw await next.gone;
      replaced = isThere(open) ? open : undefined;
      // The hub keeps the connection that it accepted last, and so do we.
      for (const other of [replaced?.connection, ...proving]) if (other?.place === next.place) void other.end();
      if (replaced !== undefined) open = undefined;
      proving.add(next);
      await next.prove(abort);
      for (const other of [open?.connection, ...proving]) if (other !== next) void other?.end();
      const opened: Session = { connection: next, thumbprint: leaf.thumbprint };
      open = opened;
      void watch(opened);
      // An abort now means that this came too late to be taken: the loop counts on the session whose place it took.
      const late = replaced === undefined ? [] : [replaced, opened];
      abort.addEventListener('abort', () => late.map((one) => forsake(one, abort.reason)), { once: true });
      options.user?.opened(next.session);
    } catch (error) {
      void next.end();
      const forsaken = replaced ?? (older?.connection.ended ? undefined : older);
      if (forsaken !== undefined) void next.accepted.then((taken) => (taken ? forsake(forsaken, error) : undefined));
      throw error;
    } finally {
      opening.delete(next);
      proving.delete(next);
    }
  }

  return {
    async connect(leaf, assignment, abort) {
      const connector = await within(connectorFor(leaf), { abort });
      const token = signatureFor && (await within(signatureFor(assignment), { abort }));
      const begin = (way: Way) =>
        attempt(new Connection({ ...shared, assignment, way, connector, token, isReplaced }), leaf, abort);
      await reach(assignment.hub, abort, begin).catch(shared.keepalive.failed);
    },
    signals: lost,
    async report(reported) {
      if (open === undefined) throw new Fault('NL-HUB-LOST', { message: 'There is no session with a hub.' });
      await open.connection.report(reported);
    },
    silentMs: () => open?.connection.silentMs,
    async close() {
      await Promise.all([open?.connection, ...opening].map((connection) => connection?.end()));
      open = undefined;
    },
  };
}
