import assert from 'node:assert/strict';
import { isIntended } from '../../../agent/daemon/intent.ts';
import {
  effectsOf,
  type RollEffect,
  type RollEvent,
  type RollState,
  unprovisioned,
} from '../../../agent/roll/state.ts';
import { entryOf } from '../../../agent/state/entry.ts';
import { createProofs } from './lasting.ts';
import { hub, leafOf, terms } from './machine.ts';
import { advance } from './named.ts';
import { keyOf, type Pair } from './pair.ts';
import { deliveries, fates, inWorld, isLive, operators, perform, SIGNALS, type World } from './world.ts';

/** A pair, and how the walk came there. */
interface Node extends Pair {
  readonly via: string;
  readonly from?: Node;
}

export interface Walked {
  readonly pairs: number;
  readonly transitions: number;
}

/** What is on disk: a power cut takes the open session and the flap counter with it. */
function reload(state: RollState): RollState {
  const { online: _, ...kept } = state;
  return { ...kept, flaps: 0, unreached: 0 };
}

function story(node: Node | undefined): string {
  const lines: string[] = [];
  for (let at = node; at !== undefined; at = at.from)
    lines.unshift(`${at.via} → ${at.state.phase} ${JSON.stringify(at.world)}`);
  return lines.join('\n');
}

function holds(condition: unknown, law: string, node: Node): asserts condition {
  if (!condition) assert.fail(`${law}\n${story(node)}`);
}

/** The laws that must hold in every pair. */
function check(node: Node): void {
  const { state, world } = node;
  const { current, next, retire, phase } = state;
  const present = (id: string | undefined) => id !== undefined && (world.token.a === id || world.token.b === id);
  if (current !== undefined) holds(present(current.key.id), 'the key of the current leaf is in the token', node);
  if (next?.id !== undefined && retire?.id !== next.id)
    holds(present(next.id), "the candidate's key is in the token", node);
  holds(
    retire === undefined || retire.id !== current?.key.id,
    'the key of the current leaf is never to be destroyed',
    node,
  );
  if (phase === 'serving' || phase === 'stranded' || phase === 'unprovisioned')
    holds(next?.leaf === undefined || next.parked !== undefined, 'a candidate that is not in flight is parked', node);
  if (current !== undefined && world.enrolled === 'all') {
    const usable = [current, next?.leaf].some((leaf) => present(leaf?.key.id));
    holds(usable, 'never zero usable leaves', node);
  }
}

/** The laws of a single effect, checked before it is performed. */
export function checkEffect(effect: RollEffect, node: Node): void {
  const { state, world } = node;
  holds(isIntended(effect, entryOf(state)), 'the journal names each effect before it is tried', node);
  if (effect.kind === 'destroy-key') {
    // A key that is lost is of no use to a leaf.
    const isTrusted = world.pinned === effect.key.id && world.lost !== effect.key.id;
    holds(!isTrusted, 'no key is destroyed while its leaf is the one DPS trusts', node);
  }
  if (effect.kind === 'register' && effect.leaf.thumbprint === state.next?.leaf?.thumbprint) {
    holds(state.next.sent, 'intent is written before DPS may come to trust the candidate', node);
  }
}

/** Ladders that count have many rungs: the walk tells the first, and what comes after the last. */
function forGood(state: RollState, event: RollEvent, world: World): RollState {
  let after = state;
  for (let rung = 0; rung < 40 && after.phase === state.phase; rung += 1) after = advance(after, event, world).state;
  return after;
}

/** Hears of a pair that lies one event away. */
type Hear = (via: string, state: RollState, world: World) => void;

function neighbours(node: Node, hear: Hear): void {
  const { state, world } = node;
  if (state.online !== undefined || state.flaps > 0) hear('power cut', reload(state), world);
  for (const effect of effectsOf(state)) {
    checkEffect(effect, node);
    const { kind } = effect;
    const outage = perform(world, effect, 'outage').event;
    const met = perform(world, effect, 'true');
    const through = advance(state, met.event, world).state;
    if (met.event.kind === 'failed' && kind === 'register' && state.phase === 'registering-next') {
      const expired = state.next?.leaf !== undefined && !isLive(state.next.leaf, world);
      const kept = through.next?.leaf !== undefined || expired || world.lost === state.next?.id;
      holds(kept, 'a candidate that DPS refuses is parked, not lost', node);
    }
    hear(`${kind} true`, through, met.world);
    hear(`${kind} outage`, advance(state, outage, world).state, world);
    const refused = perform(world, effect, 'refused').event;
    // The hub can lag and an issuer can have moods; DPS and the token refuse only where the world says so.
    if (kind === 'connect' || kind === 'request-leaf')
      hear(`${kind} refused`, advance(state, refused, world).state, world);
    if (kind === 'connect') hear('connect refused for good', forGood(state, refused, world), world);
    if (kind === 'connect') hear('nobody answers for long', forGood(state, outage, world), world);
    if (kind === 'destroy-key') hear('destroy fails for good', forGood(state, outage, world), world);
    if (met.world === world) continue;
    hear(`${kind}, answer lost`, advance(state, outage, world).state, met.world);
    // The same where the disk took nothing of what followed: what goes on in memory is all about the current leaf.
    hear(`${kind}, power cut`, reload(state), met.world);
  }
  for (const [name, event] of SIGNALS) hear(name, advance(state, inWorld(event, world), world).state, world);
  for (const event of deliveries(state, world)) hear('leaf delivered', advance(state, event, world).state, world);
  for (const there of operators(world)) hear('operator', state, there);
}

/** Once at any moment every leaf may expire, and a key be lost. */
function fated(node: Node, hear: Hear): void {
  neighbours(node, hear);
  for (const [name, there] of fates(node.world, node.state)) hear(name, node.state, there);
}

/** A group accepts every leaf of its CA; an individual enrollment accepts those that the operator has put into it. */
export type Enrollment = 'group' | 'individual';

function roots(enrollment: Enrollment): Node[] {
  const current = leafOf('g0', 'a');
  const serving: RollState = {
    ...unprovisioned,
    phase: 'serving',
    current,
    assignment: hub,
    registered: terms.registered,
  };
  const enrolled = (...own: string[]) => ({ enrolled: enrollment === 'group' ? ('all' as const) : own, enabled: true });
  const world: World = { token: { a: 'g0' }, pinned: 'g0', hub: 'g0', ...enrolled('g0') };
  return [
    { via: `a new gateway, ${enrollment}`, state: unprovisioned, world: { token: {}, ...enrolled() } },
    { via: `serving, ${enrollment}`, state: serving, world },
  ];
}

export interface Walk {
  readonly enrollment: Enrollment;
  /** Leaves expire and keys are lost, too: so many pairs that only the nearest are visited. */
  readonly isFated?: boolean;
  /** Ends the walk after so many pairs: the nearest are the first. */
  readonly most?: number;
}

/** The nearest pairs are looked at closely: each single fault that stays, and each circle. */
const CLOSELY = 25_000;

/** More pairs than this can only come from a counter in the state that is not bounded. */
const UNBOUNDED = 2_000_000;

/** Visits every pair that faults, power cuts, people and time can lead to. */
export function walk({ enrollment, isFated = false, most = UNBOUNDED }: Walk): Walked {
  const seen = new Set<number>();
  const [rests, ...others] = createProofs();
  const open: Node[] = [];
  let transitions = 0;
  let from: Node | undefined;
  const visit: Hear = (via, state, world) => {
    transitions += 1;
    // Most events change nothing, and there is no need to name a pair twice.
    if (state === from?.state && world === from.world) return;
    const key = keyOf({ state, world });
    if (seen.has(key)) return;
    seen.add(key);
    const node: Node = { state: forget(state), world, via, ...(from && { from }) };
    open.push(node);
    check(node);
    for (const proof of seen.size <= CLOSELY ? [rests, ...others] : [rests])
      proof({ state, world }, (law, end) => holds(false, law, { ...end, via: 'in the end', from: node }));
  };
  for (const { via, state, world } of roots(enrollment)) visit(via, state, world);
  // Breadth first, so that a broken law is told by its shortest story. The list grows while it is walked.
  for (const node of open) {
    from = node;
    if (isFated) fated(node, visit);
    else neighbours(node, visit);
    if (seen.size >= most) break;
  }
  assert.ok(seen.size < UNBOUNDED, 'the walk does not end: some counter in the state is not bounded');
  return { pairs: seen.size, transitions };
}

/** History is the walk's own: what the machine writes of it would only be carried along. */
function forget(state: RollState): RollState {
  return state.trail.length === 0 && state.outcomes.length === 0 ? state : { ...state, trail: [], outcomes: [] };
}
