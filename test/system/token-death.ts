import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { isOnline, type Unit } from './machine.ts';
import type { Site } from './site.ts';

/** From the moment that the token is back to a session with the hub. */
const BACK_WITHIN_MS = 60_000;

/** newleaf serves; then the unit is killed while newleaf shakes hands. @returns how the unit of newleaf was before */
export async function killInHandshake({ far, machine }: Site, unit: string): Promise<Unit> {
  const start = far.log.entries.length;
  await machine.must('systemctl', 'start', 'newleaf');
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, start);
  const before = await machine.show();
  await far.lay('hub1', 'slow-tls', { ms: 500, times: 1 });
  const since = far.log.entries.length;
  await far.lay('hub1', 'port-closed');
  await far.lift('hub1', 'port-closed');
  await far.log.waitFor({ event: 'fault', reason: 'slow-tls' }, PATIENCE_MS, since);
  // With all that it has forked: p11-kit has a process for each client.
  await machine.must('systemctl', 'kill', '--signal=KILL', unit);
  return before;
}

/** Without a hand on it, it serves again: another process, and no PIN was refused. */
export async function assertBack(t: TestContext, { far, machine }: Site, before: Unit, since: number): Promise<void> {
  const from = Date.now();
  await far.log.waitFor({ event: 'connected' }, BACK_WITHIN_MS, since);
  t.diagnostic(`back after ${((Date.now() - from) / 1000).toFixed(1)} s`);
  assert.notEqual((await machine.show()).MainPID, before.MainPID, 'only a new process heals it');
  await machine.until(isOnline);
  const status = await machine.run('newleaf', 'status');
  assert.equal(status.code, 0, status.out);
  assert.deepEqual(machine.journal.matching({ code: 'NL-TOKEN-PIN' }), []);
}
