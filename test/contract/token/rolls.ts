import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { destroyKey } from '../../../hsm/destroy.ts';
import { thisProgram } from '../../../hsm/job.ts';
import { type Bench, bundled } from './bench.ts';

const ROLLS = 20;
/** The first rolls load code and open what is then kept. */
const WARM_UP = 3;
const RESTART = 6;

/** A roll that is through. */
export interface Rolled {
  readonly key: { readonly label: string; readonly id: string };
  /** The far side saw the new leaf in each handshake. */
  readonly shown: boolean;
  /** Descriptors that are open. */
  readonly open: number;
}

/** What the rolling process is given on its standard input. */
export interface RollRequest {
  readonly at: { readonly module: string; readonly token: string; readonly pin: string };
  readonly directory: string;
  /** argv of the process that destroys keys. */
  readonly destroyer: readonly string[];
  /** How many are to be done in all. */
  readonly rolls: number;
  /** Those that are done. */
  readonly rolled: readonly Rolled[];
}

/** What the token side of the daemon does in years, with as few restarts as the module allows. */
export function rollContract(bench: () => Bench): void {
  test(`${ROLLS} rolls: every handshake shows the new leaf, descriptors stay flat`, async (t) => {
    const { at, raw } = bench();
    const { directory, lacks } = at;
    const [program = '', ...args] = await bundled('roll-child', directory);
    const before = raw.inventory();
    const lives: Rolled[][] = [];
    while (lives.flat().length < ROLLS) {
      const { module, token, pin } = at;
      const rolled = lives.flat();
      const destroyer = thisProgram();
      const request: RollRequest = { at: { module, token, pin }, directory, destroyer, rolls: ROLLS, rolled };
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
      child.stdin.end(JSON.stringify(request));
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      const done = out
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Rolled => JSON.parse(line));
      lives.push(done);
      if (lives.flat().length === ROLLS) break;
      assert.equal(code, RESTART, err);
      assert.ok(lacks.includes('long-life'), `a restart after ${done.length} rolls: ${err}`);
      assert.ok(lives.at(-2)?.length !== 0 || done.length > 0, `two restarts without a roll: ${err}`);
      t.diagnostic(`a restart after ${done.length} rolls: ${err.trim()}`);
    }
    const all = lives.flat();
    assert.ok(all.every(({ shown }) => shown));
    assert.equal(new Set(all.map(({ key }) => key.id)).size, ROLLS);
    for (const life of lives) {
      const [settled = 0, ...later] = life.map(({ open }) => open).slice(WARM_UP);
      assert.ok(
        later.every((open) => open <= settled),
        `open descriptors after each roll: ${life.map(({ open }) => open)}`,
      );
    }
    const last = all.at(-1)?.key ?? assert.fail();
    await destroyKey({ module: at.module, token: at.token, pin: at.pin, ...last });
    assert.deepEqual(raw.inventory(), before);
  });
}
