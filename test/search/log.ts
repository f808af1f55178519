import type { Daemon } from '../../agent/daemon/daemon.ts';
import type { Failure } from '../../agent/failure/failure.ts';
import type { Phase } from '../../agent/roll/phase.ts';
import type { RollEffect } from '../../agent/roll/state.ts';

type Told = { readonly type: string } & Partial<Pick<Failure, 'code'>> & {
    readonly effect?: RollEffect['kind'];
    readonly to?: Phase;
    readonly id?: string;
    readonly why?: string;
  };

/** What the daemon has said of its work, over all of its processes. */
export class Log {
  /** Requests that have ended, by ID. */
  readonly ended = new Set<string>();
  /** Requests that were accepted, and must end. */
  readonly accepted = new Set<string>();
  /** Monotonic moments at which somebody asked for something, or for which it was planned. */
  readonly asked: number[] = [];
  /** Monotonic moments at which a leaf came that a person brought. */
  readonly delivered: number[] = [];
  /** What the work of this phase met last, and the monotonic moment; undefined where it has not failed. */
  failing: { readonly code: string; readonly effect: RollEffect['kind']; readonly at: number } | undefined;

  /** What failed last. */
  last: { readonly code: string; readonly isSession: boolean } | undefined;

  follow(daemon: Daemon, now: () => number): void {
    this.failing = undefined;
    let before: Phase | undefined;
    daemon.subscribe((event) => {
      const { type, code, effect, to, id, why } = event as Told;
      if (type === 'outcome' && id !== undefined) this.ended.add(id);
      // A token that signs for a session is cured.
      const isCured = type === 'online' && this.failing?.code.startsWith('NL-TOKEN-') === true;
      if (type === 'transition' || isCured) this.failing = undefined;
      if (type === 'transition' && why === 'asked') this.asked.push(now());
      if (type === 'transition' && why === 'delivered') this.delivered.push(now());
      // Neither a session nor a CSR for a person is work.
      const { phase } = daemon.state;
      const isSession = effect === 'connect' && phase !== 'connecting-next';
      const isWork = effect !== undefined && !isSession && (effect !== 'request-leaf' || phase === 'requesting-leaf');
      if (type === 'failed' && code !== undefined) this.last = { code, isSession };
      // What was in flight when the session came, or the leaf ended, is not asked again: it failed at rest.
      if (type === 'failed' && isWork && code !== undefined && before !== 'serving' && before !== 'stranded')
        this.failing = { code, effect, at: now() };
      if (to !== undefined) before = to;
    });
  }
}
