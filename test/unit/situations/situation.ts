import assert from 'node:assert/strict';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { terms } from '../roll/machine.ts';
import { after, briefly, later, type Standing, standing, whenAsked } from '../roll/stage.ts';
import type { Wire } from './wire.ts';

/** What comes, and then the phase with what is in flight: `registering, register a`; and how often in a row. */
export type Turn = readonly [comes: Wire, then: string, times?: number];

export interface Play {
  readonly from: Memory;
  readonly turns: readonly Turn[];
  readonly terms?: Partial<Terms>;
  /** Whether a person is called at the end. Default false. */
  readonly person?: true;
  /** The code that is shown as trouble at the end. */
  readonly code?: string;
  /** The pause after the first failure: with the least and the most draw, in milliseconds. */
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

/** Plays it through the core; each turn must lead where the table says. */
export function play({ from, turns, terms: own, person, code, pause }: Play): void {
  // No leaf becomes due while an outage lasts.
  let now = standing(from, { terms: { ...terms, renewAt: 'off', ...own } });
  for (const [comes, then, times = 1] of turns) {
    for (let time = 1; time <= times; time += 1) {
      const asked = untilIt(comes, now);
      if (pause !== undefined && now.advanced === undefined)
        assert.deepEqual(
          [0, 1].map((draw) => pauseAfter(asked, comes, draw)),
          pause,
        );
      now = happens(asked, comes);
      assert.equal(briefly(now), then, `after ${now.advanced?.event.kind} in ${asked.state.phase}, ${time}`);
    }
  }
  const { phase, next, workTrouble, sessionTrouble } = now.state;
  assert.equal(phase === 'stranded' || next?.rest !== undefined, person === true, 'a person is called');
  if (code !== undefined) assert.equal((workTrouble ?? sessionTrouble ?? next?.rest)?.failure.code, code);
}

function untilIt({ answers, at }: Wire, now: Standing): Standing {
  if (answers !== undefined) return whenAsked(now, answers);
  return at === undefined ? now : later(now, at - now.c.now);
}

function happens(asked: Standing, { answers, told }: Wire, draw?: number): Standing {
  const lane = answers === undefined ? undefined : asked.c.flying.work?.kind === answers ? 'work' : 'session';
  return after(asked, told(asked), draw, lane);
}

function pauseAfter(asked: Standing, comes: Wire, draw: number): number | undefined {
  const { wanted, session } = happens(asked, comes, draw).plan;
  const wait = [...wanted, ...(session ? [session] : [])].find(({ effect }) => effect.kind === comes.answers)?.wait;
  return wait && Math.round(wait);
}
