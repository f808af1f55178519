import type { Answerer } from '../ask/ask.ts';
import type { Leaf } from '../roll/leaf.ts';
import { type RollState, unprovisioned } from '../roll/state.ts';
import type { Vitals } from './vitals.ts';

interface Shown {
  readonly state: RollState;
  readonly answer: Answerer;
  readonly during: Vitals['during'];
}

/** The part of the daemon that its adapters see; they are made before it. */
export class DaemonView {
  #daemon: Shown = {
    state: unprovisioned,
    answer: () => Promise.reject(new TypeError('no session with a hub is older than the daemon')),
    during: (_, work) => work(),
  };
  readonly state = (): RollState => this.#daemon.state;
  readonly current = (): Leaf | undefined => this.#daemon.state.current;
  readonly answer: Answerer = (ask) => this.#daemon.answer(ask);
  readonly during: Vitals['during'] = (what, work) => this.#daemon.during(what, work);

  /** Called once, by the daemon. */
  open(daemon: Shown): void {
    this.#daemon = daemon;
  }
}
