import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Entry } from '../../simulator/log.ts';
import { azureServing } from '../azure/site.ts';
import { holds } from '../stage/holds.ts';

const MINUTE_MS = 60_000;
/** MINUTES=60 plays an hour of leaves that live ten minutes; a shorter time has leaves of six. */
const MINUTES = Number(process.env.MINUTES ?? 5);
const LIFETIME = MINUTES < 60 ? 6 : 10;
/** The CA begins its leaves so long ago, in minutes. */
const BACKDATE = 5;
/** A leaf is due at 61 to 66 % of its life. */
const every = (share: number): number => share * (LIFETIME + BACKDATE) - BACKDATE;
const [LEAST, MOST] = [Math.floor(MINUTES / every(0.67)), Math.ceil(MINUTES / every(0.6))];

/** How often the hub had no session of the gateway, from its first one on. */
function gaps(entries: readonly Entry[]): number {
  const open = new Set<number | undefined>();
  let count = 0;
  for (const { server, event, connection } of entries) {
    if (server !== 'hub1') continue;
    if (event === 'connected') open.add(connection);
    if (event === 'disconnected' && open.delete(connection) && open.size === 0) count += 1;
  }
  return count;
}

describe(`${MINUTES} minutes of leaves that live ${LIFETIME}`, { concurrency: true }, () => {
  for (const [what, settings, isOverHub] of [
    ['the hub renews them', {}, true],
    ['the hub knows no renewal, and DPS issues each', { 'issuer.azure.hub_api_version': '"2021-04-12"' }, false],
  ] as const) {
    test(what, async (t) => {
      const { far, gateway } = await azureServing(t, { settings, validityMs: LIFETIME * MINUTE_MS });
      const mark = far.log.entries.length;
      const session = far.log.matching({ event: 'connected' })[0];
      let keys = 0;
      for (const end = Date.now() + MINUTES * MINUTE_MS; Date.now() < end; await pause(2_000)) {
        keys = Math.max(keys, gateway.token.privateKeys().length);
      }
      holds(await gateway.settled(), { phase: 'serving', online: true });
      const since = far.log.since(mark);
      const count = (event: Entry['event']) => since.filter((one) => one.event === event).length;
      const leaves = count('connected');
      t.diagnostic(`${leaves} leaves, at most ${keys} keys, ${count('register')} registrations`);
      assert.ok(leaves >= LEAST && leaves <= MOST, `${leaves} leaves`);
      assert.ok(keys <= 3, `${keys} keys with the factory key`);
      assert.equal(gaps([...(session ? [session] : []), ...since]), 0, 'no moment without a session');
      assert.equal(count(isOverHub ? 'credentials' : 'register'), leaves);
      assert.equal(count(isOverHub ? 'register' : 'credentials'), 0);
    });
  }
});
