import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Simulator } from '../../simulator/simulator.ts';
import { tell } from '../stage/timeline.ts';
import { ID, type Scene } from './scene.ts';

/** How long the hubs had no session of the device, in milliseconds, and how long its slowest handshake took. */
export interface Presence {
  readonly offlineMs: number;
  readonly handshakeMs: number;
}

/** What the log of the hubs says since an entry at which the device was connected. Infinite where it never came back. */
export function presence(far: Simulator, since: number): Presence {
  const begun = new Map<number | undefined, number>();
  const open = new Set<number | undefined>();
  let closedAt: number | undefined;
  let offlineMs = 0;
  let handshakeMs = 0;
  for (const { seq, server, event, connection, at, clientId } of far.log.entries) {
    if (server === 'dps' || server === 'est') continue;
    if (event === 'tcp') begun.set(connection, at);
    if (clientId !== ID) continue;
    if (event === 'connected') {
      open.add(connection);
      if (seq > since) {
        handshakeMs = Math.max(handshakeMs, at - (begun.get(connection) ?? at));
        offlineMs += closedAt === undefined ? 0 : at - closedAt;
      }
      closedAt = undefined;
    } else if (event === 'disconnected' && open.delete(connection) && open.size === 0) {
      closedAt = at;
    }
  }
  return { offlineMs: closedAt === undefined ? offlineMs : Number.POSITIVE_INFINITY, handshakeMs };
}

/** Prints what the operator typed and what the far side saw, and how long the device was offline; answers with it. */
export function account(t: TestContext, { far, operator }: Scene, since: number): Presence {
  const from = far.log.entries[since - 1]?.at ?? 0;
  tell(
    t,
    far,
    since,
    from,
    operator.typed.filter(({ at }) => at >= from),
  );
  const { offlineMs, handshakeMs } = presence(far, since);
  const offline = Number.isFinite(offlineMs) ? `offline ${Math.round(offlineMs)} ms` : 'offline to the end';
  t.diagnostic(`${offline}, slowest handshake with a hub ${Math.round(handshakeMs)} ms`);
  return { offlineMs, handshakeMs };
}

/** Asserts that there was no gap, or one of a handshake: the hub may drop the old session before the new one is open. */
export function neverOut({ offlineMs, handshakeMs }: Presence): void {
  assert.ok(offlineMs <= handshakeMs, `offline for ${offlineMs} ms, and a handshake takes ${handshakeMs} ms`);
}
