import type { Failure } from '../../../agent/failure/failure.ts';
import { pauseMs, turnMs } from '../../../agent/roll/backoff.ts';
import { hasLeaf, madeKeyOf, restOf } from '../../../agent/roll/candidate.ts';
import { canGoBack, knownIds, remaining } from '../../../agent/roll/look.ts';
import { dueAt, lastResortAt, nextMoment } from '../../../agent/roll/plan.ts';
import { isSession } from '../../../agent/roll/poison.ts';
import { effectsOf, type RollEffect, type RollEvent } from '../../../agent/roll/state.ts';
import { needsPerson } from '../../../agent/roll/wrong.ts';
import { LIMIT_MS, LONGEST_MS, lateLimitMs, MINUTE, RUNGS } from './late.ts';
import { advance } from './named.ts';
import { type Pair, termsOf } from './pair.ts';
import { enrolled, rollNow } from './people.ts';
import { accepts, FAILURES, has, isLive, issue, type Luck, perform } from './world.ts';

const LATENCY_MS = 1_000;
/** The daemon looks at the clock each minute: here only after something has happened. */
const LOOK_MS = 5 * MINUTE;
const LOOK_SOON_MS = MINUTE;
/** What systemd, and the rest that newleaf takes after a restart, come to. */
const RESTART_MS = 31_000;
/** A person who was told to wait asks again after this. */
const PATIENCE_MS = MINUTE;

interface PlayedOptions {
  readonly luck?: (effect: RollEffect) => Luck;
  readonly isLate?: boolean;
}

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
  #lookBy = Number.NEGATIVE_INFINITY;
  #begin: number;
  readonly #waited = new Set<string>();
  #what = 'woken';
  #broughtAt = Number.NEGATIVE_INFINITY;

  readonly #luck: (effect: RollEffect) => Luck;
  /** It begins with each ladder at its last rung. */
  readonly isLate: boolean;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /** @param luck what each effect meets; all is well without it */
  constructor(pair: Pair, { luck = () => 'true', isLate = false }: PlayedOptions = {}) {
    this.#luck = luck;
    this.isLate = isLate;
    const { keeps: _, ...willing } = pair.world;
    this.pair = { ...pair, world: { ...willing, enabled: true } };
    this.#begin = pair.at;
    if (isLate) this.#pause();
  }

  /** A pause with which it began may still be running. */
  get isPausing(): boolean {
    return this.pair.at < this.#pausedUntil;
  }

  /** What has failed is in its longest pause, which has just begun. */
  #pause(): void {
    this.limitMs = lateLimitMs(this.pair);
    const { state, at } = this.pair;
    for (const { name, effect, key } of this.#lanesNow()) {
      const failure = (name === 'session' ? state.sessionTrouble : state.workTrouble)?.failure;
      if (failure === undefined || !FAILURES[effect.kind].includes(failure.code)) continue;
      this.#lanes.set(name, { key, tries: RUNGS, dueAt: at + this.#pauseOf(effect, RUNGS, failure, 1) });
    }
    this.#pausedUntil = at + LONGEST_MS;
  }

  /** As the lanes have it (agent/daemon/lanes.ts). */
  #pauseOf(effect: RollEffect, tries: number, failure: Failure, draw: number): number {
    const { state, at } = this.pair;
    const byTurns = state.online === undefined && hasLeaf(state.next) && canGoBack(state, { at });
    const turn = effect.kind === 'register' && byTurns ? turnMs(draw) : undefined;
    return pauseMs(effect.kind, tries, failure, draw, remaining(state, at), turn);
  }

  /** The next thing that happens. */
  turn(): string {
    const { pair } = this;
    this.#what = 'woken';
    this.pair = { ...pair, world: enrolled(pair.world, pair.state) };
    const lanes = this.#lanesNow();
    const [first] = lanes.toSorted((one, other) => one.dueAt - other.dueAt);
    const moment = nextMoment(pair.state, termsOf(pair), this.#lookedAt);
    const look = Math.max(pair.at, Math.min(this.#lookBy, moment ?? Number.POSITIVE_INFINITY));
    if (first !== undefined && first.dueAt <= look) this.#perform(first);
    else this.#look(look);
    this.spentMs = this.pair.at - this.#begin;
    this.#waitsForPerson();
    return this.#what;
  }

  #lanesNow(): readonly LaneNow[] {
    const { state, at } = this.pair;
    return effectsOf(state).map((effect) => {
      const name = isSession(effect, state.current) ? 'session' : 'work';
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
    const { state, retry, restart } = advance({ ...this.pair, at, world: met.world }, met.event);
    this.#what = met.event.kind === 'failed' ? met.event.failure.kind : met.event.kind;
    this.pair = { ...this.pair, at: restart ? at + RESTART_MS : at, state, world: met.world };
    this.#lookBy = Math.min(this.#lookBy, at + LOOK_SOON_MS);
    if (restart) {
      this.#lanes.clear();
      return;
    }
    const pause = retry === undefined ? 0 : this.#pauseOf(effect, tries + 1, retry, 0.5);
    this.#lanes.set(name, { key, tries: tries + 1, dueAt: at + pause });
  }

  #look(at: number): void {
    this.#lookedAt = at;
    this.#lookBy = at + LOOK_MS;
    this.#hear({ kind: 'woken', at, draw: 0.5 });
  }

  #hear(event: RollEvent): void {
    const { state } = advance({ ...this.pair, at: event.at }, event);
    if (state !== this.pair.state) this.#lookBy = Math.min(this.#lookBy, event.at + LOOK_SOON_MS);
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
    if (current === undefined || this.isLate) this.#once('clear', () => this.#clear());
    else if (isLive(current, at)) {
      const lastMs = lastResortAt(current, termsOf(this.pair).renewAt) - this.#begin;
      this.limitMs = LIMIT_MS + Math.max(0, lastMs);
    }
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
    const begin = () => {
      this.#begin = at;
    };
    this.#once('person', begin);
    const { next } = this.pair.state;
    if (this.pair.state.workTrouble?.failure.code === 'NL-TOKEN-OCCUPIED') this.#once('clear', () => this.#clear());
    const key = hasLeaf(next) ? undefined : madeKeyOf(next);
    if (key === undefined && hasLeaf(next)) this.#hear(rollNow(at, true));
    else if (key === undefined)
      this.#hear({ kind: 'csr-asked', newKey: false, sameKey: this.pair.keepKey, from: 'technician', at, draw: 0.5 });
    else if (!has(this.pair.world, key))
      this.#hear({ kind: 'csr-asked', newKey: true, isLost: true, from: 'technician', at, draw: 0.5 });
    else {
      // The CSR had its time, and has come.
      this.#once('delivery', begin);
      const leaf = issue(this.pair, key);
      const request = { id: 'd', action: 'roll', reason: 'delivered', from: 'technician', at } as const;
      this.#hear({ kind: 'leaf-delivered', leaf, request, at, draw: 0.5 });
    }
  }
}
