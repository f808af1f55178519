import { setTimeout as pause } from 'node:timers/promises';
import { diceOf } from '../search/dice.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { DEEDS } from './deeds.ts';
import type { Member } from './member.ts';
import { HUBS, SPELLS } from './spells.ts';

/** Between the beginnings of two faults, in milliseconds. */
const PAUSE_MS = [500, 6_000] as const;
/** How long one stays. */
const STAY_MS = [1_000, 20_000] as const;

/** Faults at random: of the far side, and of one gateway. The same seed throws the same ones; what they meet is real time. */
export class Weather {
  /** What happened, by seconds since the beginning. */
  readonly trail: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #far: Simulator;
  readonly #members: readonly Member[];
  readonly #dice: () => number;
  readonly #began = performance.now();
  readonly #laid = new Set<string>();
  readonly #going = new Set<Promise<void>>();

  constructor(far: Simulator, members: readonly Member[], seed: number) {
    this.#far = far;
    this.#members = members;
    this.#dice = diceOf(seed);
  }

  /** Until that moment of performance.now(). Resolves when the last fault is over. */
  async blow(until: number): Promise<void> {
    while (performance.now() < until) {
      const going = this.#next();
      this.#going.add(going);
      void going.finally(() => this.#going.delete(going));
      await pause(this.#between(PAUSE_MS));
    }
    await Promise.all(this.#going);
    for (const server of [...HUBS, 'dps', 'est'] as const) await this.#far.lift(server);
    // A deed that came between a gateway and its hub may have left an identity disabled.
    for (const { id } of this.#members)
      if ((await this.#far.device(id)) !== null) await this.#far.setDeviceStatus(id, 'enabled');
  }

  /** All dice are thrown before the first wait, so that the next throw is the same each time. */
  #next(): Promise<void> {
    const ms = this.#between(STAY_MS);
    const isOfOne = this.#dice() < 0.5;
    const cuts = this.#dice() < 0.5;
    const member = this.#one(this.#members);
    const deed = this.#one(DEEDS.filter(({ isFor = () => true }) => isFor(member)));
    const spell = this.#one(SPELLS);
    if (!isOfOne) return this.#lay(spell, ms, cuts);
    if (member.isBusy) return Promise.resolve();
    member.isBusy = true;
    this.#tell(deed.name, member.id);
    return Promise.resolve(deed.act(this.#far, member, ms))
      .then(() => {})
      .catch((error: Error) => this.#say(`${deed.name} of ${member.id}: ${error.message.split('\n', 1)[0]}`))
      .finally(() => {
        member.isBusy = false;
      });
  }

  async #lay({ on, fault, options }: (typeof SPELLS)[number], ms: number, cuts: boolean): Promise<void> {
    const name = `${on} ${fault}`;
    if (this.#laid.has(name)) return;
    this.#laid.add(name);
    this.#tell(fault, `${on} ${options === undefined ? '' : JSON.stringify(options)}`);
    await this.#far.lay(on, fault, options);
    // What it does at a connect is seen only where there is one.
    if (cuts && !this.#laid.has(`${on} port-closed`)) {
      await this.#far.lay(on, 'port-closed');
      await this.#far.lift(on, 'port-closed');
    }
    await pause(ms);
    await this.#far.lift(on, fault);
    this.#laid.delete(name);
  }

  #tell(what: string, whom: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    this.#say(`${what}: ${whom}`);
  }

  #say(words: string): void {
    this.trail.push(`${((performance.now() - this.#began) / 1_000).toFixed(1)} s ${words}`);
  }

  #between([least, most]: readonly [number, number]): number {
    return least + (most - least) * this.#dice();
  }

  #one<T>(all: readonly T[]): T {
    const one = all[Math.floor(this.#dice() * all.length)];
    if (one === undefined) throw new Error('there is none to choose from');
    return one;
  }
}
