import { pauseMs } from '../../../agent/roll/backoff.ts';
import { hasLeaf, madeKeyOf, restOf } from '../../../agent/roll/candidate.ts';
import { knownIds, remaining } from '../../../agent/roll/look.ts';
import { effectsOf, type RollEffect, type RollEvent, session } from '../../../agent/roll/state.ts';
import { dueAt, isDue, nextMoment } from '../../../agent/roll/terms.ts';
import { needsPerson, wrongIn } from '../../../agent/roll/wrong.ts';
import type { Proof } from './lasting.ts';
import { hub } from './machine.ts';
import { advance } from './named.ts';
import { type Pair, Pairs, termsOf } from './pair.ts';
import { enrolled, rollNow } from './people.ts';
import { accepts, FOREIGN, has, isLive, issue, type Luck, perform, type World } from './world.ts';

const MINUTE = 60_000;
/** The design: from each pair of state and world, so long after everything is well. */
const LIMIT_MS = 75 * MINUTE;
const LATENCY_MS = 1_000;
const LOOK_MS = 5 * MINUTE;
/** A person who was told to wait asks again after this. */
const PATIENCE_MS = MINUTE;

/**
 * Every standing has an end: once far side, token, disk and clock are well, the gateway serves on a leaf that is neither expired
 * nor overdue, and no candidate is left behind. What is in the token stays as it is.
 */
export function everyStandingEnds(heard: Heard = () => {}): Proof {
  const known = new Pairs<number>();
  return (pair, broken) => {
    const path: { readonly pair: Pair; readonly spentMs: number }[] = [];
    const played = new Played(pair);
    for (;;) {
      const at = { ...played.pair };
      const spentMs = played.spentMs;
      const left = known.get(at) ?? (isWell(at) ? 0 : undefined);
      if (left !== undefined && spentMs + left <= played.limitMs) {
        for (const one of path) known.set(one.pair, spentMs + left - one.spentMs);
        return;
      }
      path.push({ pair: at, spentMs });
      if (spentMs > played.limitMs) return broken(whatIsLeft(at), at);
      heard(at, played.turn(), played.pair);
    }
  };
}

/** Hears of each turn: what happened between two pairs. */
export type Heard = (before: Pair, what: string, after: Pair) => void;

interface LaneNow {
  readonly name: string;
  readonly effect: RollEffect;
  readonly key: string;
  readonly tries: number;
  readonly dueAt: number;
}

/** A daemon as small as it can be told: two lanes with their ladders, and a look at the clock. */
export class Played {
  pair: Pair;
  spentMs = 0;
  limitMs = LIMIT_MS;
  readonly #lanes = new Map<string, { readonly key: string; readonly tries: number; readonly dueAt: number }>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #begin: number;
  readonly #waited = new Set<string>();
  #what = 'woken';
  #broughtAt = Number.NEGATIVE_INFINITY;

  readonly #luck: (effect: RollEffect) => Luck;

  /** @param luck what each effect meets; all is well without it */
  constructor(pair: Pair, luck: (effect: RollEffect) => Luck = () => 'true') {
    this.#luck = luck;
    const { keeps: _, ...willing } = pair.world;
    this.pair = { ...pair, world: { ...willing, enabled: true } };
    this.#begin = pair.at;
  }

  /** The next thing that happens. */
  turn(): string {
    const { pair } = this;
    this.#what = 'woken';
    this.pair = { ...pair, world: enrolled(pair.world, pair.state) };
    const lanes = this.#lanesNow();
    const [first] = lanes.toSorted((one, other) => one.dueAt - other.dueAt);
    const moment = nextMoment(pair.state, termsOf(pair), this.#lookedAt);
    const look = Math.max(pair.at, Math.min(this.#lookedAt + LOOK_MS, moment ?? Number.POSITIVE_INFINITY));
    if (first !== undefined && first.dueAt <= look) this.#perform(first);
    else this.#look(look);
    this.spentMs = this.pair.at - this.#begin;
    this.#waitsForPerson();
    return this.#what;
  }

  #lanesNow(): readonly LaneNow[] {
    const { state, at } = this.pair;
    return effectsOf(state).map((effect) => {
      const name = isSession(effect, state.current?.thumbprint) ? 'session' : 'work';
      const key = JSON.stringify([
        effect.kind,
        'leaf' in effect ? effect.leaf.thumbprint : 'key' in effect ? effect.key.id : effect.id,
      ]);
      const lane = this.#lanes.get(name);
      return {
        name,
        effect,
        key,
        tries: lane?.key === key ? lane.tries : 0,
        dueAt: lane?.key === key ? Math.max(lane.dueAt, at) : at,
      };
    });
  }

  #perform({ name, effect, key, tries, dueAt }: LaneNow): void {
    const at = dueAt + LATENCY_MS;
    const met = perform({ ...this.pair, at }, effect, this.#luck(effect));
    const { state, retry } = advance({ ...this.pair, at, world: met.world }, met.event);
    this.#what = met.event.kind === 'failed' ? met.event.failure.kind : met.event.kind;
    const pause = retry === undefined ? 0 : pauseMs(effect.kind, tries + 1, retry, 0.5, remaining(state, at));
    this.#lanes.set(name, { key, tries: tries + 1, dueAt: at + pause });
    this.pair = { ...this.pair, at, state, world: met.world };
  }

  #look(at: number): void {
    this.#lookedAt = at;
    this.#hear({ kind: 'woken', at, draw: 0.5 });
  }

  #hear(event: RollEvent): void {
    const { state } = advance({ ...this.pair, at: event.at }, event);
    if (state.phase !== this.pair.state.phase || event.kind !== 'woken') this.#what = state.trail[0]?.why ?? event.kind;
    this.pair = { ...this.pair, at: event.at, state };
  }

  /** Where a person is needed, `status` says so; what the person does then, or why the gateway can wait for it. */
  #waitsForPerson(): void {
    const { state, at, automatic, world } = this.pair;
    const { current, next } = state;
    if (!needsPerson(state, termsOf(this.pair), at)) return;
    if (!automatic) {
      this.#bring();
      return;
    }
    const isOfAnother = next?.is === 'parked' && !accepts(world, next.leaf);
    const due = (current && dueAt(current, termsOf(this.pair).renewAt)) ?? at;
    if (isOfAnother && at < due && state.online !== undefined) this.#once('due', () => this.#waitUntil(due));
    const isOccupied = [restOf(next), state.workTrouble].some((met) => met?.failure.code === 'NL-TOKEN-OCCUPIED');
    if (!isOccupied) return;
    if (current === undefined) this.#once('clear', () => this.#clear());
    else if (isLive(current, at)) this.limitMs = Math.max(LIMIT_MS, current.notAfter - this.#begin);
  }

  #once(what: string, deed: () => void): void {
    if (this.#waited.has(what)) return;
    this.#waited.add(what);
    deed();
  }

  /** The owner of the foreign key takes it away. */
  #clear(): void {
    const { world, state } = this.pair;
    const known = knownIds(state);
    const token = Object.fromEntries(Object.entries(world.token).filter(([, id]) => known.includes(id)));
    this.pair = { ...this.pair, world: { ...world, token } };
    this.#begin = this.pair.at;
  }

  /** Until then a person has been told, and the gateway serves; what follows has its own time. */
  #waitUntil(at: number): void {
    this.#begin = at;
    this.#look(at);
  }

  /** A person has the CSR signed, and installs what comes back; where newleaf is busy, again a while later. */
  #bring(): void {
    const { at } = this.pair;
    if (at < this.#broughtAt + PATIENCE_MS) return;
    this.#broughtAt = at;
    this.#once('person', () => {
      this.#begin = at;
    });
    const { next } = this.pair.state;
    if (this.pair.state.workTrouble?.failure.code === 'NL-TOKEN-OCCUPIED') this.#once('clear', () => this.#clear());
    const key = hasLeaf(next) ? undefined : madeKeyOf(next);
    if (key === undefined && hasLeaf(next)) this.#hear(rollNow(at, true));
    else if (key === undefined)
      this.#hear({ kind: 'csr-asked', newKey: false, sameKey: this.pair.keepKey, from: 'technician', at, draw: 0.5 });
    else if (!has(this.pair.world, key))
      this.#hear({ kind: 'csr-asked', newKey: true, isLost: true, from: 'technician', at, draw: 0.5 });
    else {
      const leaf = issue(this.pair, key);
      const request = { id: 'd', action: 'roll', reason: 'delivered', from: 'technician', at } as const;
      this.#hear({ kind: 'leaf-delivered', leaf, request, at, draw: 0.5 });
    }
  }
}

const isSession = (effect: RollEffect, current: string | undefined): boolean =>
  effect.kind === 'connect' && effect.leaf.thumbprint === current;

function isWell(pair: Pair): boolean {
  return whatIsLeft(pair) === '';
}

/** What keeps it from being well, as a law that is broken; empty where nothing does. */
function whatIsLeft(pair: Pair): string {
  const { state, world, at } = pair;
  const { phase, current, next, online, request } = state;
  if (current === undefined || online !== session(current, hub)) return 'the gateway serves again';
  if (!isLive(current, at) || isDue(state, termsOf(pair), at))
    return 'it serves on a leaf that is neither expired nor overdue';
  if (phase !== 'serving') return 'everything comes to rest';
  // A refusal that is over does not end a session: what counts is what DPS trusts.
  // A session that outlives its key is served out: nothing can be registered with it, and its end is another pair.
  if (has(world, current.key) && world.pinned !== undefined && world.pinned.thumbprint !== current.thumbprint)
    return 'DPS trusts the current leaf';
  if (request !== undefined) return 'no request is left in flight';
  if (hasLeaf(next) || restOf(next) !== undefined) return 'no candidate is left behind';
  if (!isTidy(world, pair)) return 'no key is left behind in the token';
  return '';
}

function isTidy({ token, drawer }: World, { state }: Pair): boolean {
  const known = [...knownIds(state), FOREIGN];
  return drawer !== undefined || [token.a, token.b].every((id) => id === undefined || known.includes(id));
}

/** For a story: what the screen would say. */
export const toldAt = (pair: Pair): string =>
  wrongIn(pair.state, termsOf(pair), pair.at)
    .map(({ code }) => code)
    .join(', ');
