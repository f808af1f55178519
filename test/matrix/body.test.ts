import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { register, roll } from './laid.ts';
import { type Scene, scene, wellAgain } from './play.ts';
import { matrixRow, type Row, type Told } from './record.ts';
import { assertTold } from './told.ts';

const CUT = 'cut-body';
/** More than any answer has. */
const MOST_BYTES = 5_000;

interface Cut extends Pick<Row, 'group' | 'fault'> {
  readonly server: 'dps' | 'est';
  readonly action: 'register' | 'request-leaf';
  readonly code: RegExp;
  /** From one length to the next. */
  readonly step: number;
  ask(at: Scene): Promise<unknown>;
}

const CUTS: readonly Cut[] = [
  {
    group: 'DPS',
    fault: 'an answer is cut short, at each length',
    server: 'dps',
    action: 'register',
    code: /^NL-DPS-BODY$/,
    step: 1,
    ask: register,
  },
  {
    group: 'issuer',
    fault: 'a leaf is cut short, at each eleventh length',
    server: 'est',
    action: 'request-leaf',
    // The signature is the last of it: what is cut there is a certificate, and no right one.
    code: /^NL-(EST-BODY|LEAF-\w+)$/,
    step: 11,
    ask: roll,
  },
];

suite('bodies that are cut short', { concurrency: true }, () => {
  for (const { group, fault, server, action, code, step, ask } of CUTS) {
    test(`${server}: ${fault}`, { timeout: 30 * PATIENCE_MS }, async (t) => {
      const at = await scene(t);
      const { far, gateway, unit } = at;
      const { pid } = gateway;
      const places = { far, gateway, line: unit.line };
      let told: Told | undefined;
      let bytes = 0;
      for (; bytes < MOST_BYTES; bytes += step) {
        const since = gateway.log.lines.length;
        await far.lay(server, CUT, { bytes, times: 1 });
        await ask(at);
        const line = await gateway.log.waitFor(
          ({ event, action: done }) => (event === 'failed' && done === action) || event === 'outcome',
          { since, timeoutMs: 3 * PATIENCE_MS },
        );
        // It was whole.
        if (line.event === 'outcome' && line.reason === 'done') break;
        assert.match(String(line.code), code, `${bytes} bytes`);
        if (told !== undefined) continue;
        told = await assertTold(places, { code, exit: server === 'dps' ? 0 : 1, session: 'open' });
        // Meanwhile newleaf may have begun to try again by itself: the next answer that is not cut would be taken for a whole one.
        await wellAgain(at, 4 * PATIENCE_MS);
      }
      await far.lift(server, CUT);
      assert.ok(bytes > 50 && bytes < MOST_BYTES, `${bytes} bytes`);
      const recoverySeconds = await wellAgain(at, 4 * PATIENCE_MS);
      assert.equal(gateway.pid, pid, 'one process');
      assert.deepEqual(gateway.log.matching({ code: 'NL-INTERNAL' }), []);
      t.diagnostic(`${bytes} bytes are whole; ${recoverySeconds} s`);
      if (told === undefined) return;
      matrixRow({ group, fault, recoverySeconds, lost: 'nothing', told }, import.meta.filename);
    });
  }
});
