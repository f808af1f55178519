import type { RollEffect } from '../../agent/roll/state.ts';
import { dueAt, lastResortAt } from '../../agent/roll/terms.ts';
import { needsPerson } from '../../agent/roll/wrong.ts';
import { knownIds } from './laws.ts';
import { MINUTE, type Pair } from './pair.ts';
import { csrNow, enrolled, rollNow } from './people.ts';
import { advance, answer, type Luck, type Told, wokenAt } from './step.ts';
import { accepts, has, isLive, issue } from './world.ts';

/** The design: from each pair, so long after everything is well. */
export const LIMIT_MS = 75 * MINUTE;
/** The daemon looks at the clock each minute: here only after something has happened. */
const LOOK_MS = 5 * MINUTE;
/** A person who was told to wait asks again after this. */
const PATIENCE_MS = MINUTE;

/** The luck of an effect, while a fault stays. */
export type Lucks = (effect: RollEffect, pair: Pair) => Luck;

/** Effects in flight are answered one after the other; then time passes to the next planned moment. */
export function turned(pair: Pair, luckOf: Lucks = () => 'true', lookMs = LOOK_MS): Pair {
  const there: Pair = { ...pair, world: enrolled(pair.world, pair.memory) };
  const { session, work } = pair.flying;
  // Work may end the process: a session that is open already loses nothing by waiting.
  const lane = work !== undefined ? 'work' : session !== undefined ? 'session' : undefined;
  const effect = lane && pair.flying[lane];
  if (lane !== undefined && effect !== undefined) return answer(there, lane, luckOf(effect, there)).pair;
  return wokenAt(there, nextLook(there, lookMs));
}

/** The moment of the next look. */
function nextLook({ memory, plan, terms, at, up }: Pair, lookMs: number): number {
  const { current, next, scheduled } = memory;
  const moments = [
    at + plan.nextAt - up,
    scheduled?.startAt,
    current && dueAt(current, terms.renewAt),
    current && lastResortAt(current, terms.renewAt),
    current?.notAfter,
    next?.leaf?.notAfter,
  ].filter((moment): moment is number => moment !== undefined && moment > at);
  return Math.ceil(Math.min(at + lookMs, ...moments));
}

/** The same pair in a world where all is well, but what is in the token stays as it is. */
export function mended(pair: Pair): Pair {
  const { keeps: _, isFull, ...willing } = pair.world;
  const well: Pair = { ...pair, world: { ...willing, enabled: true }, isPlayed: true };
  // The disk takes what it lacked.
  return isFull ? advance(well, { kind: 'woken' }).pair : well;
}

/** Plays from a pair on, in a world where all is well. */
export class Played {
  pair: Pair;
  spentMs = 0;
  limitMs: number;
  /** A word for what has happened in the last turn. */
  what = '';
  #begin: number;
  readonly #done = new Set<string>();
  #broughtAt = Number.NEGATIVE_INFINITY;

  constructor(pair: Pair, limitMs = LIMIT_MS) {
    this.pair = mended(pair);
    this.#begin = pair.at;
    this.limitMs = limitMs;
  }

  turn(): void {
    const { flying } = this.pair;
    this.what = (flying.work ?? flying.session)?.kind ?? 'woken';
    this.pair = turned(this.pair);
    this.spentMs = this.pair.at - this.#begin;
    this.#waitsForPerson();
  }

  #hear(told: Told): void {
    this.what = told.kind;
    this.pair = advance(this.pair, told).pair;
  }

  /** Where a person is needed, `status` says so; what the person does then, or why the gateway can wait for it. */
  #waitsForPerson(): void {
    const { state, at, terms, world, memory } = this.pair;
    if (!needsPerson(state, terms, at)) return;
    if (!terms.automatic) {
      this.#bring();
      return;
    }
    const { current, next } = memory;
    const due = (current && dueAt(current, terms.renewAt)) ?? at;
    const isOfAnother = next?.leaf !== undefined && !accepts(world, next.leaf);
    if (isOfAnother && at < due && memory.online !== undefined) this.#once('due', () => this.#waitUntil(due));
    if (memory.answers.make?.failure?.code !== 'NL-TOKEN-OCCUPIED') return;
    // A key that signs gets a second leaf half-way to the end of the first, where the issuer signs for a key twice.
    const { sign, issue } = memory.answers;
    const isSignedTwice = issue?.failure?.code !== 'NL-ISSUER-NEW-KEY';
    const canWait = current !== undefined && isLive(current, at) && sign === undefined && isSignedTwice;
    if (!canWait) this.#once('clear', () => this.#clear());
    else if (this.#isFirst('resort')) this.limitMs += Math.max(0, lastResortAt(current, terms.renewAt) - this.#begin);
  }

  #isFirst(what: string): boolean {
    const isFirst = !this.#done.has(what);
    this.#done.add(what);
    return isFirst;
  }

  #once(what: string, deed: () => void): void {
    if (this.#isFirst(what)) deed();
  }

  /** The owner of the foreign key takes it away. */
  #clear(): void {
    const { world, memory } = this.pair;
    const known = knownIds(memory);
    const token = Object.fromEntries(Object.entries(world.token).filter(([, id]) => known.includes(id)));
    this.pair = { ...this.pair, world: { ...world, token } };
    this.#begin = this.pair.at;
  }

  /** Until then a person has been told, and the gateway serves; what follows has its own time. */
  #waitUntil(at: number): void {
    this.#begin = at;
    this.pair = wokenAt(this.pair, at);
  }

  /** A person has the CSR signed, and installs what comes back; where newleaf is busy, again a while later. */
  #bring(): void {
    const { at, memory } = this.pair;
    if (at < this.#broughtAt + PATIENCE_MS) return;
    this.#broughtAt = at;
    const begin = () => {
      this.#begin = at;
    };
    this.#once('person', begin);
    if (memory.answers.make?.failure?.code === 'NL-TOKEN-OCCUPIED') this.#once('clear', () => this.#clear());
    const told = broughtBy(this.pair);
    // The CSR had its time, and has come.
    if (told.kind === 'leaf-delivered') this.#once('delivery', begin);
    this.#hear(told);
  }
}

/** The next deed of a person who brings a leaf. */
function broughtBy(pair: Pair): Told {
  const { next } = pair.memory;
  if (next?.leaf !== undefined) return rollNow(pair, true);
  if (next?.isMade !== true) return csrNow(pair);
  if (!has(pair.world, next.key)) return csrNow(pair, true);
  const request = { id: 'd', action: 'roll', reason: 'delivered', from: 'technician', at: pair.at } as const;
  return { kind: 'leaf-delivered', leaf: issue(next.key, pair.at), request };
}
