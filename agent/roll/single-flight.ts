import { getsNoRegistration, isBarred, isStuck, WAITING } from './look.ts';
import { type Phase, RESTING } from './phase.ts';
import type { Signal } from './signal.ts';
import type { RollState } from './state.ts';

const resting: ReadonlySet<Phase> = new Set<Phase>([...RESTING, 'retiring-key']);

const interruptible = new Set([...resting, ...WAITING]);

/** A roll that waits for its issuer accepts a delivered leaf. */
const receptive = new Set<Phase>([...resting, 'requesting-leaf']);

/** A candidate is with DPS or with the hub. */
const PROVING: ReadonlySet<Phase> = new Set<Phase>(['registering-next', 'connecting-next']);

/** Two pieces of work on one identity would undo each other. Returns why the signal waits, undefined where it need not. */
export function busyWith(signal: Signal, state: RollState): string | undefined {
  const { phase, request, scheduled } = state;
  // These are about the work in flight itself.
  if (signal.kind === 'dps-refused') return undefined;
  if (signal.kind === 'last-resort' && interruptible.has(phase) && request?.action === 'roll') return undefined;
  if (signal.kind === 'key-lost' && (phase === 'registering' || phase === 'abandoning')) return undefined;
  if (signal.kind === 'asked' && scheduled !== undefined && signal.request.id !== scheduled.id) {
    // A planned request is kept: a second one would take its place, and a method asks again by itself.
    if (signal.later === true || signal.request.from === 'method') return 'another request is planned';
  }
  if (PROVING.has(phase) && meetsCandidate(signal, state)) return undefined;
  const between = signal.kind === 'rejected' || signal.kind === 'unreached' || isProbeOfCurrent(signal, state);
  const free = between ? interruptible : signal.kind === 'delivered' ? receptive : resting;
  const served =
    signal.kind === 'rejected' ||
    (between && WAITING.has(phase)) ||
    (signal.kind === 'delivered' && phase === 'requesting-leaf');
  const busy = !free.has(phase) || (!served && request !== undefined);
  return busy && !passes(signal, state) ? 'another request is in flight' : undefined;
}

/** A signal about the candidate in flight. */
function meetsCandidate(signal: Signal, state: RollState): boolean {
  if (signal.kind === 'unreached') return state.phase === 'connecting-next' || getsNoRegistration(state);
  return signal.kind === 'candidate-expired' || (signal.kind === 'asked' && signal.discard === true);
}

/** A roll waits, and the hub has refused the current leaf: DPS may accept it again before the issuer answers. */
export function isProbeOfCurrent(signal: Signal, state: RollState): boolean {
  return signal.kind === 'probe' && isBarred(state) && WAITING.has(state.phase);
}

const makesSpareKey = ({ phase, request }: RollState): boolean => phase === 'generating-key' && request === undefined;

/** Signals that need not wait for a request without an answer. */
function passes(signal: Signal, state: RollState): boolean {
  if (signal.kind === 'asked' && signal.request.from === 'technician' && getsNoRegistration(state)) return true;
  // A key is made that no roll has asked for: it serves a roll as well.
  if (signal.kind === 'asked' && signal.request.action === 'roll' && makesSpareKey(state)) return true;
  if (!isStuck(state)) return false;
  if (signal.kind === 'asked' && signal.request.action === 're-register') return true;
  return state.phase === 'serving';
}
