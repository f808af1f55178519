import assert from 'node:assert/strict';
import type { MemoryQueue, TestProgram } from './fakes.ts';

/** Ten minutes, and a look at each. */
const LONGEST_MS = 12 * 60_000;
const GONE_MS = 3 * 60_000;

interface Head {
  readonly sequence: number | undefined;
  /** How long it is there, and how much of that the session was open. */
  readonly ageMs: number;
  readonly openMs: number;
}

/** The law of standing: no message is the oldest for ten minutes of open sessions without a code; and no code outlives that. */
export class StandingLaw {
  readonly #heads = new Map<MemoryQueue, Head>();

  /** @param ms since the last look, a minute at most */
  look(programs: readonly TestProgram[], isOpen: boolean, isThrottled: boolean, ms: number): void {
    for (const { name, queue, inbox, troubles, up, down } of programs) {
      for (const [flow, one] of [
        [up, queue],
        [down, inbox],
      ] as const) {
        const sequence = one.kept[0]?.sequence;
        const before = this.#heads.get(one);
        const isSame = before !== undefined && before.sequence === sequence;
        const head = {
          sequence,
          ageMs: isSame ? before.ageMs + ms : 0,
          openMs: isSame ? before.openMs + (isOpen ? ms : 0) : 0,
        };
        this.#heads.set(one, head);
        const isTold = troubles.length > 0 || isThrottled;
        if (sequence !== undefined && head.openMs > LONGEST_MS) assert(isTold, `${name} stands, and there is no code`);
        const isOver = sequence === undefined ? head.ageMs > GONE_MS : head.openMs < 6 * 60_000 && head.ageMs > GONE_MS;
        if (isOver) assert.equal(flow.trouble, undefined, `${name} is said to stand, and does not`);
      }
    }
  }
}
