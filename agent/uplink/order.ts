import type { OwnTerms } from '../state/program-terms.ts';
import { Allowance } from './pace.ts';
import type { Program } from './program.ts';

/** Of messages that are sent while all wait. A bulk program has its turn, too: after 64 of one with high priority. */
const WEIGHTS: Readonly<Record<NonNullable<OwnTerms['priority']>, number>> = { high: 64, normal: 8, bulk: 1 };

interface Place {
  /** In turns of a program of weight 1. */
  next: number;
  readonly allowance: Allowance;
}

/**
 * Which program sends next: that which is behind the most by its weight (start-time fair queuing, Goyal, Vin and Cheng, SIGCOMM
 * 1996). One that had nothing to send has saved up nothing, and of equals the one with the higher priority is first: so an alarm
 * overtakes a backlog at once, and a backlog never stands.
 */
export class Order {
  readonly #places = new WeakMap<Program, Place>();
  #now = 0;

  /** Those whose rate allows it, the next one first. */
  of(programs: readonly Program[], at: number): readonly Program[] {
    return programs
      .filter((program) => this.waitMs(program, at) === 0)
      .toSorted((one, other) => this.#start(one) - this.#start(other) || weightOf(other) - weightOf(one));
  }

  /** How long it must wait by its own rate, in milliseconds. */
  waitMs(program: Program, at: number): number {
    const { rate } = program.terms;
    return rate === undefined ? 0 : this.#place(program).allowance.waitMs(rate, at);
  }

  /** It has sent a message of QoS 1. */
  sent(program: Program, at: number): void {
    this.#now = this.#start(program);
    this.#place(program).next = this.#now + 1 / weightOf(program);
    this.passes(program, at);
  }

  /** A message of QoS 0 waits for none. @returns whether its own rate allows it */
  passes(program: Program, at: number): boolean {
    const { rate } = program.terms;
    return rate === undefined || this.#place(program).allowance.take(rate, at);
  }

  #start(program: Program): number {
    return Math.max(this.#now, this.#place(program).next);
  }

  #place(program: Program): Place {
    const known = this.#places.get(program);
    if (known !== undefined) return known;
    // A program may send at once what it has gathered in a second.
    const place = { next: 0, allowance: new Allowance((rate) => rate) };
    this.#places.set(program, place);
    return place;
  }
}

const weightOf = ({ terms }: Program): number => WEIGHTS[terms.priority ?? 'normal'];
