import type { DaemonEvent } from '../ask/event.ts';
import { toldFor } from '../failure/advice.ts';
import { failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import type { Advanced } from '../roll/core/advance.ts';
import type { Leaf } from '../roll/leaf.ts';
import { iso, wordsOf } from '../roll/report.ts';
import type { Alarm, RollEvent, RollState } from '../roll/state.ts';
import type { Terms } from '../roll/terms.ts';

/** Tells the log and the subscribers what a step changed: one line for a transition, an outcome, an alarm. */
export class Transcript {
  readonly #log: Log;
  readonly #attestation: Terms['attestation'];
  readonly #told: ReturnType<typeof toldFor>;
  readonly #listeners = new Set<(event: DaemonEvent) => void>();

  constructor(log: Log, { attestation, automatic }: Pick<Terms, 'attestation' | 'automatic'>) {
    this.#log = log;
    this.#attestation = attestation;
    this.#told = toldFor(automatic);
  }

  subscribe(listener: (event: DaemonEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(before: RollState, { state, decision }: Pick<Advanced, 'state' | 'decision'>, event: RollEvent): void {
    const told = this.#told;
    if (event.kind === 'failed') {
      const { effect, failure } = event;
      const level = failure.kind === 'transient' ? 'warn' : 'error';
      this.#log[level]({ event: 'failed', action: effect.kind, phase: before.phase, ...failureFields(failure) });
      this.#send({ type: 'failed', effect: effect.kind, ...told(failure) });
    }
    if (event.kind === 'lost') this.#log.warn({ event: 'lost', ...failureFields(event.failure) });
    if (decision?.action === 'ignore')
      this.#log.debug({ event: 'ignored', reason: decision.rule, message: decision.why });
    for (const { at, from, to, why, code } of newer(before.trail, state.trail)) {
      const message = wordsOf(to, this.#attestation);
      this.#log.info({ event: 'transition', from, to, reason: why, code, message, id: state.request?.id });
      this.#send({ type: 'transition', at: iso(at), from, to, why, ...(code && { code }) });
    }
    if (state.online !== before.online) this.#tellSession(before, state);
    for (const { id, action, reason, outcome, endedAt, failure } of newer(before.outcomes, state.outcomes)) {
      const level = outcome === 'done' ? 'info' : 'warn';
      this.#log[level]({ event: 'outcome', id, action, reason: outcome, ...(failure && failureFields(failure)) });
      this.#send({ type: 'outcome', id, action, reason, outcome, ...(failure && told(failure)), at: iso(endedAt) });
    }
    for (const which of ['workTrouble', 'sessionTrouble'] as const) {
      const met = state[which];
      if (met !== undefined && met !== before[which]) this.#send({ type: 'trouble', ...told(met.failure) });
    }
    if (state.alarm !== undefined && state.alarm !== before.alarm) this.#tellAlarm(state.alarm, state.current);
    if (state !== before) this.#send({ type: 'changed' });
  }

  #tellAlarm(alarm: Alarm, current: Leaf | undefined): void {
    const what = this.#told(failure(alarm === 'expired' ? 'NL-LEAF-EXPIRED' : 'NL-LEAF-EXPIRING'));
    const level = alarm === '1hour' || alarm === 'expired' ? 'error' : 'warn';
    const leaf = current && { thumbprint: current.thumbprint, at: iso(current.notAfter) };
    this.#log[level]({ event: 'expiring', reason: alarm, ...what, ...leaf });
    this.#send({ type: 'alarm', alarm, ...what });
  }

  #tellSession(before: RollState, { online, current }: RollState): void {
    if (online === undefined) {
      this.#send({ type: 'offline', hub: before.online && hubOf(before.online) });
      return;
    }
    const hub = hubOf(online);
    const message = `The hub ${hub} accepted this gateway.`;
    this.#log.info({ event: 'connected', hub, thumbprint: current?.thumbprint, message });
    this.#send({ type: 'online', hub });
  }

  #send(event: DaemonEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The host of a session (state.ts). */
const hubOf = (online: string): string => online.replace(/^[^@]*@/, '').replace(/#.*$/, '');

/** The new entries at the head of a list, the oldest first. */
function newer<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  const [newest] = before;
  const end = newest === undefined ? after.length : after.indexOf(newest);
  return after.slice(0, end === -1 ? after.length : end).reverse();
}
