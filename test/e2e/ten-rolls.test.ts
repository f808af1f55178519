import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cut, PATIENCE_MS, serving } from './stage/site.ts';

const ID = 'gw-0001';
const ROLLS = 10;
/** Rolls until everything has been opened once. From here on, one descriptor for each roll would be a leak. */
const WARM = 2;
/** After these the same leaf connects once more. A third cut would count as flapping. */
const CUTS = [1, 5];

test('ten rolls in one process, collecting garbage all the time', async (t) => {
  const nodeOptions = ['--expose-gc', '--require', join(import.meta.dirname, 'stage', 'preload-gc.cjs')];
  const { far, gateway, session } = await serving(t, { nodeOptions });
  const { pid } = gateway;
  const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
  const residentMiB = () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

  const seen = new Set([session.thumbprint]);
  const open: number[] = [];
  for (let roll = 1; roll <= ROLLS; roll += 1) {
    const since = far.log.entries.length;
    assert.equal((await gateway.post('/v1/roll', { id: `roll-${roll}` })).status, 202);
    const { thumbprint = '' } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    assert.ok(!seen.has(thumbprint), 'a new leaf');
    seen.add(thumbprint);
    const { leaf } = await gateway.settled();
    assert.equal(leaf?.thumbprint, thumbprint);
    assert.deepEqual(gateway.token.privateKeys(), [roll % 2 === 0 ? 'newleaf-a' : 'newleaf-b']);
    if (CUTS.includes(roll)) {
      await cut(far);
      await gateway.until(({ online }) => !online);
      await gateway.settled();
    }
    open.push(descriptors());
    if (roll === 1 || roll % 5 === 0)
      t.diagnostic(`roll ${roll}: ${open.at(-1)} descriptors, ${residentMiB().toFixed(1)} MiB`);
  }

  assert.equal(far.log.registrations(ID), 1 + ROLLS);
  assert.equal(far.log.count({ event: 'issued' }), 1 + ROLLS);
  assert.equal(far.log.count({ event: 'connected' }), 1 + ROLLS + CUTS.length);
  assert.deepEqual(gateway.log.matching({ event: 'failed' }), []);
  assert.deepEqual(gateway.log.matching({ event: 'crashed' }), []);
  assert.equal(gateway.pid, pid);
  const grown = (open.at(-1) ?? 0) - (open[WARM - 1] ?? 0);
  assert.ok(Math.abs(grown) < ROLLS - WARM, `descriptors after each roll: ${open.join(', ')}`);
});
