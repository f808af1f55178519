import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { CODES, fails, heals, onFailingDisk } from './failing-disk.ts';
import { roll } from './laid.ts';
import { scene, wellAgain } from './play.ts';
import { matrixRow } from './record.ts';
import { assertTold, type Places } from './told.ts';

/** Each waits for pauses of newleaf, so two gateways share the calls of a code. */
const HALVES = [0, 1] as const;
const STEP = CODES.length * HALVES.length;

/** One roll after the other, in each of which another call fails. @returns the longest time until all was well, in seconds */
async function eachFails(t: TestContext, code: string, first: number): Promise<{ worst: number; places: Places }> {
  const at = await scene(t, onFailingDisk());
  const { far, gateway, unit } = at;
  const calls = join(gateway.directory, 'disk-calls');
  let worst = 0;
  let from = first;
  for (let made = Number.POSITIVE_INFINITY; from <= made; from += STEP) {
    rmSync(calls, { force: true });
    fails(at, code, from, 1);
    const before = far.log.count({ event: 'issued' });
    const since = gateway.log.lines.length;
    const asked = await roll(at);
    const began = performance.now();
    await wellAgain(at, 12 * PATIENCE_MS);
    worst = Math.max(worst, (performance.now() - began) / 1000);
    const issued = far.log.count({ event: 'issued' }) - before;
    assert.equal(issued, asked.status === 202 ? 1 : 0, `call ${from}`);
    const all = readFileSync(calls, 'utf8').trim().split('\n');
    made = all.length;
    // It may be over before anyone has looked: the log has it all the same.
    const said = gateway.log.lines.slice(since).map((line) => line.code);
    assert.ok(made < from || said.includes('NL-STATE-WRITE'), `${all[from - 1]} failed, and nothing tells of it`);
    heals(at);
  }
  t.diagnostic(`${from} calls, the worst ${worst} s`);
  return { worst, places: { far, gateway, line: unit.line } };
}

/** What a roll does to the disk, call by call; each fails once, by turns in each way. */
suite('each call to the disk in a roll fails once', { concurrency: true }, () => {
  for (const [lane, code] of CODES.entries()) {
    test(`${code}: every third call`, { timeout: 30 * PATIENCE_MS }, async (t) => {
      const [one, other] = await Promise.all(HALVES.map((half) => eachFails(t, code, lane + 1 + half * CODES.length)));
      assert(one !== undefined && other !== undefined);
      const told = await assertTold(one.places, { exit: 0, session: 'open' });
      const fault = `each call to the disk in a roll fails once (${code})`;
      const recoverySeconds = Math.max(one.worst, other.worst);
      matrixRow({ group: 'disk', fault, recoverySeconds, lost: 'nothing', told }, import.meta.filename);
    });
  }
});
