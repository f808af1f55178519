import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Simulator } from '../../simulator/simulator.ts';
import { tell } from '../timeline.ts';

/** How long the hubs had no session of the device, in milliseconds, and how long its slowest handshake took. */
export interface Presence {
  readonly offlineMs: number;
  readonly handshakeMs: number;
}

/** What the log of the hubs says since an entry at which the device was connected. Infinite where it never came back. */
export function presence(far: Simulator, since: number, deviceId: string): Presence {
  const begun = new Map<number | undefined, number>();
  const open = new Set<number | undefined>();
  let closedAt: number | undefined;
  let offlineMs = 0;
  let handshakeMs = 0;
  for (const { seq, server, event, connection, at, clientId } of far.log.entries) {
    if (server === 'dps' || server === 'est') continue;
    if (event === 'tcp') begun.set(connection, at);
    if (clientId !== deviceId) continue;
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

/** Prints the account of the far side and how long the device was offline, and answers with it. */
export function account(t: TestContext, far: Simulator, since: number, deviceId: string): Presence {
  tell(t, far, since);
  const { offlineMs, handshakeMs } = presence(far, since, deviceId);
  const offline = Number.isFinite(offlineMs) ? `offline ${Math.round(offlineMs)} ms` : 'offline to the end';
  t.diagnostic(`${offline}, slowest handshake with a hub ${Math.round(handshakeMs)} ms`);
  return { offlineMs, handshakeMs };
}

/** Asserts that there was no gap, or one of a handshake: the hub may drop the old session before the new one is open. */
export function neverOut({ offlineMs, handshakeMs }: Presence): void {
  assert.ok(offlineMs <= handshakeMs, `offline for ${offlineMs} ms, and a handshake takes ${handshakeMs} ms`);
}
