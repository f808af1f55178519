import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { GatewayOptions } from '../e2e/stage/gateway.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { ONE_ROLL, ROLL, roll } from './laid.ts';
import { type Fault, matrix, type Scene, scene, wellAgain } from './play.ts';
import { matrixRow } from './record.ts';
import { assertTold } from './told.ts';

const options = (): GatewayOptions => ({
  nodeOptions: ['--require', join(import.meta.dirname, 'preload-disk.cjs')],
});
const CODES = ['ENOSPC', 'EROFS', 'EIO'] as const;
const FOR_EVER = 1_000_000;

const order = ({ gateway }: Scene) => join(gateway.directory, 'disk-fault');
/** From the n-th call on, so many fail. */
const fails = (at: Scene, code: string, from = 1, times = FOR_EVER) =>
  writeFileSync(order(at), `${code} ${from} ${times}\n`);
const heals = (at: Scene) => rmSync(order(at));

const WORDS = { ENOSPC: 'the disk is full', EROFS: 'the disk is read-only', EIO: 'each call to the disk fails (EIO)' };

const FAULTS: readonly Fault[] = [
  ...CODES.map(
    (code): Fault => ({
      group: 'disk',
      fault: WORDS[code],
      code: /^NL-STATE-WRITE$/,
      exit: 1,
      session: 'open',
      options,
      work: ONE_ROLL,
      by: ROLL,
      async begin(at) {
        fails(at, code);
        await roll(at);
      },
      async end(at) {
        heals(at);
        await roll(at);
      },
      backWithinMs: 2 * PATIENCE_MS,
    }),
  ),
  {
    group: 'disk',
    fault: 'a person deletes the state directory while it serves',
    exit: 0,
    session: 'open',
    isAlone: true,
    // It is looked for once a minute, as the loop looks at the clock: two minutes at most.
    begin: ({ gateway }) => rmSync(gateway.stateDirectory, { recursive: true }),
    async end({ gateway }) {
      await gateway.log.waitFor({ event: 'state-gone' }, { timeoutMs: 4 * PATIENCE_MS });
    },
  },
];

matrix('the disk', FAULTS, import.meta.filename, 2);

/** What a roll does to the disk, call by call; each fails once, by turns in each way. */
suite('each call to the disk in a roll fails once', { concurrency: true }, () => {
  const lanes = CODES.length;
  for (const [lane, code] of CODES.entries()) {
    test(`${code}: every third call`, { timeout: 30 * PATIENCE_MS }, async (t) => {
      const at = await scene(t, options());
      const places = { far: at.far, gateway: at.gateway, line: at.unit.line };
      const calls = join(at.gateway.directory, 'disk-calls');
      let worst = 0;
      let from = lane + 1;
      for (let made = Number.POSITIVE_INFINITY; from <= made; from += lanes) {
        rmSync(calls, { force: true });
        fails(at, code, from, 1);
        const before = at.far.log.count({ event: 'issued' });
        const since = at.gateway.log.lines.length;
        const asked = await roll(at);
        const began = performance.now();
        await wellAgain(at, 12 * PATIENCE_MS);
        worst = Math.max(worst, (performance.now() - began) / 1000);
        const issued = at.far.log.count({ event: 'issued' }) - before;
        assert.equal(issued, asked.status === 202 ? 1 : 0, `call ${from}`);
        const all = readFileSync(calls, 'utf8').trim().split('\n');
        made = all.length;
        // It may be over before anyone has looked: the log has it all the same.
        const said = at.gateway.log.lines.slice(since).map((line) => line.code);
        assert.ok(made < from || said.includes('NL-STATE-WRITE'), `${all[from - 1]} failed, and nothing tells of it`);
        heals(at);
      }
      t.diagnostic(`${from} calls, the worst ${worst} s`);
      const told = await assertTold(places, { exit: 0, session: 'open' });
      const fault = `each call to the disk in a roll fails once (${code})`;
      matrixRow({ group: 'disk', fault, recoverySeconds: worst, lost: 'nothing', told }, import.meta.filename);
    });
  }
});
