import type { Answerer } from '../ask/ask.ts';
import type { Leaf } from '../roll/leaf.ts';
import { type RollState, unprovisioned } from '../roll/state.ts';

interface Shown {
  readonly state: RollState;
  readonly answer: Answerer;
}

/** What the daemon shows to its adapters, which are made before it. Until it is made, there is nothing to ask. */
export class DaemonView {
  #daemon: Shown | undefined;

  /** Called once, by the daemon. */
  open(daemon: Shown): void {
    this.#daemon = daemon;
  }

  readonly state = (): RollState => this.#daemon?.state ?? unprovisioned;

  readonly current = (): Leaf | undefined => this.state().current;

  readonly answer: Answerer = async (ask) => {
    if (this.#daemon === undefined) throw new TypeError('no session with a hub is older than the daemon');
    return this.#daemon.answer(ask);
  };
}
