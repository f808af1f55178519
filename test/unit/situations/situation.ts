import assert from 'node:assert/strict';
import { advance } from '../../../agent/roll/advance.ts';
import { pauseMs } from '../../../agent/roll/backoff.ts';
import { restOf } from '../../../agent/roll/candidate.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { terms } from '../roll/machine.ts';
import { briefly } from '../roll/situations.ts';
import type { Wire } from './wire.ts';

/** What comes, and then the phase with what is in flight: `registering, register a`; and how often in a row. */
export type Turn = readonly [comes: Wire, then: string, times?: number];

export interface Play {
  readonly from: RollState;
  readonly turns: readonly Turn[];
  readonly terms?: Partial<Terms>;
  /** Whether a person is called at the end. Default false. */
  readonly person?: true;
  /** The code that is shown as trouble at the end. */
  readonly code?: string;
  /** The pause before what failed last is tried again: the least and the most, in milliseconds. */
  readonly pause?: readonly [least: number, most: number];
}

/** One row of the table of situations. */
export interface Situation {
  readonly row: number;
  readonly title: string;
  readonly plays?: readonly Play[];
  /** Tests that play it, as `FILE: NAME`; the name stands in the file as it is, be it that of a row or of a suite. */
  readonly elsewhere?: readonly string[];
  /** Why it is not played as the table has it. */
  readonly because?: string;
}

/** Plays it through the pure machine; each turn must lead where the table says. */
export function play({ from, turns, terms: own, person, code, pause }: Play): void {
  let state = from;
  let last: ReturnType<typeof advance> | undefined;
  for (const [comes, then, times = 1] of turns) {
    for (let time = 1; time <= times; time += 1) {
      const event = comes(state);
      last = advance(state, event, { ...terms, ...own });
      state = last.state;
      assert.equal(briefly(state), then, `after ${event.kind} in ${from.phase}`);
      if (event.kind === 'failed' && pause) {
        const within = (draw: number) => pauseMs(event.effect.kind, 1, last?.retry ?? event.failure, draw);
        assert.deepEqual([within(0), within(1)].map(Math.round), pause);
      }
    }
  }
  assert.equal(state.phase === 'stranded' || restOf(state.next) !== undefined, person === true, 'a person is called');
  if (code !== undefined) assert.equal((state.workTrouble ?? state.sessionTrouble)?.failure.code, code);
}
