import { heed } from '../poison.ts';
import { type Decision, doneBy, type RollEffect, type RollEvent, type RollState } from '../state.ts';
import { alarmOf, isCredible } from '../terms.ts';
import { anew } from './anew.ts';
import { begins } from './in-flight.ts';
import { isRejected } from './knots.ts';
import { type Circumstances, type Memory, without } from './memory.ts';
import { spend } from './pace.ts';
import { intend, type Plan, plan } from './plan.ts';
import { notSigned, record, type Timed } from './record.ts';
import { asked, csrAsked, delivered } from './requests.ts';
import { settle } from './settle.ts';
import { isGoingBack, phaseOf, view } from './view.ts';

export interface Advanced {
  readonly memory: Memory;
  readonly plan: Plan;
  readonly state: RollState;
  readonly decision?: Decision & { readonly rule: string };
  readonly event: RollEvent;
  readonly restart?: true;
}

const TRAIL_KEPT = 30;

/** One event: what it tells, what follows from that, and what is asked now. */
export function advance(before: Memory, happened: Timed, c: Circumstances): Advanced {
  const corrected = isSetBack(before, happened) ? { ...before, lastSeen: happened.at } : before;
  const heeded = heed(corrected, happened, c.terms);
  const event = { ...heeded.event, up: happened.up } as Timed;
  const { memory: told, decision }: ReturnType<typeof hear> = heeded.restart
    ? { memory: endedBy(heeded.state, event) }
    : hear(heeded.state, event, c);
  const renewed = heeded.restart ? told : anew(heeded.state, told, event, c);
  const settled = settle(alarmed(spent(renewed, event, c), event, c), c);
  // A process that ends itself asks for nothing more.
  const planned = { ...plan(settled, c), ...(heeded.restart && { asks: [] }) };
  const intended = intend(owned(settled, planned, c), planned.asks, c.flying);
  const traced = trace(intended, planned, event, decision);
  return {
    memory: traced,
    plan: planned,
    state: view(traced, planned, c),
    ...(decision && { decision }),
    event: heeded.event === happened ? happened : event,
    ...(heeded.restart && { restart: true }),
  };
}

/** The next process finds out again what this one has met; only that the current key did not sign is kept. */
const endedBy = (memory: Memory, event: Timed): Memory => (event.kind === 'failed' ? notSigned(memory, event) : memory);

const isSetBack = ({ lastSeen = 0 }: Memory, event: RollEvent): boolean =>
  event.kind === 'woken' && event.isSetBack === true && event.at < lastSeen;

function hear(
  memory: Memory,
  event: Timed,
  c: Circumstances,
): { memory: Memory; decision?: Decision & { rule: string } } {
  switch (event.kind) {
    case 'asked':
      return asked(memory, event, c);
    case 'csr-asked': {
      const heard = csrAsked(memory, event, c);
      return 'decision' in heard ? heard : { memory: heard };
    }
    case 'leaf-delivered':
      return delivered(memory, event, c);
    default:
      return { memory: record(memory, event) };
  }
}

/** What has cost the far side, or the token, something. */
function spent(memory: Memory, event: RollEvent, c: Circumstances): Memory {
  const kind = event.kind === 'failed' ? event.effect.kind : doneBy(event);
  if (event.kind === 'asked' || event.kind === 'csr-asked' || event.kind === 'leaf-delivered')
    return without(memory, 'spent');
  if (kind === undefined) return memory;
  const isCharged = event.kind !== 'failed' || event.failure.kind === 'refused';
  return isCharged ? spend(kind, memory, c) : memory;
}

function alarmed(memory: Memory, event: RollEvent, { terms, now }: Circumstances): Memory {
  if (event.kind !== 'woken' && event.kind !== 'started') return memory;
  if (!isCredible(memory, terms, now)) return memory;
  const alarm = alarmOf(memory, terms, now);
  return alarm === memory.alarm ? memory : { ...without(memory, 'alarm'), ...(alarm && { alarm }) };
}

/** What newleaf does by itself is a request of its own, so that its end is told. */
function owned(memory: Memory, { asks }: Plan, c: Circumstances): Memory {
  const { next, current, at, registered } = memory;
  if (memory.ask !== undefined) return memory;
  const own = (
    action: 'roll' | 're-register',
    reason: 'due' | 'rejected' | 'given-key' | 'unreached' | 'configuration' | NonNullable<typeof next>['because'],
  ) =>
    begins(
      memory,
      {
        request: { id: `newleaf-${c.now.toString(36)}`, action, reason: reason ?? 'probe', from: 'newleaf', at: c.now },
      },
      c,
    );
  const starts = (effect: RollEffect) => effect.kind === 'generate-key' || effect.kind === 'request-leaf';
  if (next?.because !== undefined && asks.some(starts)) return own('roll', next.because);
  const isCurrent = asks.some((effect) => effect.kind === 'register' && effect.leaf.thumbprint === current?.thumbprint);
  // Going back belongs to the roll.
  if (!isCurrent || isGoingBack(memory)) return memory;
  const isOther = registered !== undefined && registered !== c.terms.registered;
  const reason = isOther
    ? 'configuration'
    : at.current === undefined
      ? 'given-key'
      : isRejected(memory, 'current')
        ? 'rejected'
        : 'unreached';
  return own('re-register', reason);
}

function trace(memory: Memory, planned: Plan, event: RollEvent, decision: Decision | undefined): Memory {
  const to = phaseOf(memory, planned);
  const from = memory.trail[0]?.to ?? (memory.current === undefined ? 'unprovisioned' : 'serving');
  if (from === to) return memory;
  const code = event.kind === 'failed' ? { code: event.failure.code } : {};
  const why =
    decision !== undefined && 'reason' in decision
      ? decision.reason
      : event.kind === 'failed'
        ? event.failure.kind === 'refused'
          ? 'refused'
          : 'unanswered'
        : event.kind;
  return { ...memory, trail: [{ at: event.at, from, to, why, ...code }, ...memory.trail].slice(0, TRAIL_KEPT) };
}
