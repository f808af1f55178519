import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { type Leaf, placeOf, type Slot } from '../../../agent/roll/leaf.ts';
import {
  effectsOf,
  type RollEffect,
  type RollEvent,
  type RollState,
  session,
  unprovisioned,
} from '../../../agent/roll/state.ts';
import { diceOf } from '../../search/dice.ts';
import { hub, LATER, leafOf, NOW, terms } from './machine.ts';
import { SIGNALS } from './world.ts';

/*
 * The great walk knows a gateway that makes a key for each leaf, and tells leaves by their keys. Here all leaves have one key
 * (leaf.rotate_key = false, or a key that was given), so a random walk looks for a way to lose it.
 */

const base = { at: NOW, draw: 0.5 } as const;
const WALKS = 2_000;
const STEPS = 60;

/** A gateway with one key, and a far side that believes whoever registered last. */
class Walk {
  state: RollState;
  readonly #slot: Slot;
  readonly #draw: () => number;
  readonly #story: string[] = [];
  #pinned = 'T-g0';
  #leaves = 0;

  constructor(slot: Slot, draw: () => number) {
    this.#slot = slot;
    this.#draw = draw;
    const current = leafOf('g0', slot);
    const served = { assignment: hub, registered: terms.registered };
    this.state = { ...unprovisioned, ...served, phase: 'serving', current };
  }

  /** Anything that may happen. */
  stumble(): void {
    const effects = effectsOf(this.state);
    const chosen = Math.floor(this.#draw() * (effects.length * 3 + SIGNALS.length + 3));
    const effect = effects[Math.floor(chosen / 3)];
    const signal = SIGNALS[chosen - effects.length * 3];
    if (effect !== undefined) this.hear(chosen % 3 === 0 ? this.meets(effect) : failing(effect, chosen % 3 === 1));
    else if (signal !== undefined) this.hear(signal[1]);
    else if (chosen % 3 === 0) this.hear({ ...base, kind: 'leaf-delivered', leaf: this.#issue(), request: REQUEST });
    else if (chosen % 3 === 1) this.#pinned = 'nobody';
    else this.#restart();
  }

  hear(event: RollEvent): void {
    this.#story.push(`${event.kind} in ${this.state.phase}`);
    this.state = advance(this.state, event, terms).state;
    const { retire, phase, next, request } = this.state;
    // One that was intended, and never made, may be asked for: the token does not know it.
    this.holds(retire?.id !== 'g0', 'the only key is never to be destroyed');
    this.holds(next?.id === undefined || next.id === 'g0', 'the candidate has the key that there is');
    const idle = phase === 'serving' || phase === 'stranded' || phase === 'unprovisioned';
    this.holds(idle || effectsOf(this.state).length > 0, 'a phase that works has something in flight');
    this.holds(phase !== 'serving' || request?.action !== 'roll', 'no roll is forgotten');
  }

  /** What an effect meets on a good day. */
  meets(effect: RollEffect): RollEvent {
    switch (effect.kind) {
      case 'generate-key':
        return { ...base, kind: 'key-generated', key: { slot: this.#slot, id: 'g0' } };
      case 'request-leaf':
        return { ...base, kind: 'leaf-issued', leaf: this.#issue() };
      case 'register':
        this.#pinned = effect.leaf.thumbprint;
        return { ...base, kind: 'registered', thumbprint: this.#pinned, assignment: hub, as: terms.registered };
      case 'connect': {
        const { thumbprint } = effect.leaf;
        return thumbprint === this.#pinned
          ? { ...base, kind: 'connected', thumbprint, hub: placeOf(hub) }
          : failing(effect);
      }
      case 'destroy-key':
        assert.notEqual(effect.key.id, 'g0', 'the only key is destroyed');
        return { ...base, kind: 'key-destroyed', id: effect.key.id };
    }
  }

  /** No more faults, and time passes. */
  rest(): void {
    for (let turn = 0, quiet = 0; turn < 80 && quiet < 3; turn += 1) {
      const [effect] = effectsOf(this.state);
      quiet = effect === undefined ? quiet + 1 : 0;
      if (effect !== undefined) this.hear(this.meets(effect));
      else this.hear({ ...base, kind: 'woken', at: LATER });
    }
    const { phase, online, current, request, next } = this.state;
    const open = online === (current && session(current, hub));
    this.holds(phase === 'serving' && open && request === undefined, 'everything settles once faults stop');
    // A hub that forgets a leaf does not end its session.
    const trusted = this.#pinned === current?.thumbprint || this.#pinned === 'nobody';
    this.holds(trusted, 'DPS trusts the current leaf');
    this.holds(next === undefined || next.waitsFor !== undefined, 'no candidate is left behind');
  }

  holds(condition: boolean, law: string): void {
    if (!condition) assert.fail(`${law}\n${this.#story.join('\n')}\n${JSON.stringify(this.state, undefined, 1)}`);
  }

  /** An issuer may have a bad day, and give what it gave before. */
  #issue(): Leaf {
    this.#leaves += this.#draw() < 0.8 ? 1 : 0;
    const first = leafOf('g0', this.#slot);
    return this.#leaves === 0 ? first : { ...first, thumbprint: `T-g0-${this.#leaves}`, notAfter: NOW + 324_000_000 };
  }

  #restart(): void {
    const { online: _, ...kept } = this.state;
    this.state = { ...kept, flaps: 0, unreached: 0 };
    this.hear({ ...base, kind: 'started' });
  }
}

const REQUEST = { id: 'd', action: 'roll', reason: 'delivered', from: 'technician', at: NOW } as const;

function failing(effect: RollEffect, silent = false): RollEvent {
  const refusals = { register: 'NL-DPS-401002', connect: 'NL-HUB-REJECTED', 'request-leaf': 'NL-EST-REFUSED' } as const;
  const refusal = effect.kind in refusals ? refusals[effect.kind as keyof typeof refusals] : 'NL-TOKEN-FAILED';
  return { ...base, kind: 'failed', effect, failure: failure(silent ? 'NL-DPS-UNREACHABLE' : refusal) };
}

describe('a gateway whose leaves have one key never loses it, and always comes back', () => {
  for (const slot of ['a', 'given'] as const) {
    test(slot === 'a' ? 'a key of our own' : 'a key that was given', () => {
      for (let seed = 1; seed <= WALKS; seed += 1) {
        const walk = new Walk(slot, diceOf(seed));
        for (let step = 0; step < STEPS; step += 1) walk.stumble();
        walk.rest();
      }
    });
  }
});
