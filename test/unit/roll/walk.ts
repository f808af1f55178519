import assert from 'node:assert/strict';
import { RETIRE_TRIES } from '../../../agent/roll/settle.ts';
import type { RollEffect, RollState } from '../../../agent/roll/state.ts';
import { hub, LATER, leafOf, type Machine, NOW, terms } from './machine.ts';
import { accepts, type Luck, operators, perform, SIGNALS, type World } from './world.ts';

/** A pair of journal and world, and how the walk came there. */
interface Node {
  readonly state: RollState;
  readonly world: World;
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
  return { ...kept, flaps: 0 };
}

const FIRST_ENDS = leafOf('g0', 'a').notAfter;

/**
 * Two pairs that differ only in history are one: the trail, clock readings, words, the names of generations, and counters
 * beyond their effect are left out.
 */
function keyOf({ state, world }: Node): string {
  const { request, next, current, probe, retire, online, grace, unproven } = state;
  const own = current?.key.slot === 'b' ? 'b' : 'a';
  const mine = world.token[own];
  const other = world.token[own === 'a' ? 'b' : 'a'];
  const name = (id: string | undefined) => (id === undefined ? '-' : id === mine ? 'A' : id === other ? 'B' : 'x');
  const lists =
    world.enrolled === 'all' ? 'all' : [mine, other].map((id) => id !== undefined && world.enrolled.includes(id));
  return JSON.stringify([
    state.phase,
    [name(current?.key.id), current?.notAfter === FIRST_ENDS, name(online?.slice(2, 4)), state.rejected],
    next && [
      next.slot === own,
      name(next.id),
      next.leaf && 1,
      next.assignment && 1,
      next.sent,
      next.waiting,
      next.parked && 1,
    ],
    retire && [name(retire.id), retire.tries === 0 ? 0 : retire.tries < RETIRE_TRIES ? 1 : 2],
    [
      state.rolledFor !== undefined && state.rolledFor === current?.thumbprint,
      unproven > 0,
      grace && Math.min(grace, 1),
    ],
    request && [request.action, request.reason === 'probe'],
    probe && probe.times % 2,
    [name(mine), name(other), name(world.pinned), name(world.hub), world.enabled, lists],
  ]);
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
  const { current, next, retire } = state;
  const present = (id: string | undefined) => id !== undefined && (world.token.a === id || world.token.b === id);
  if (current !== undefined) holds(present(current.key.id), 'the key of the current leaf is in the token', node);
  if (next?.id !== undefined && retire?.id !== next.id)
    holds(present(next.id), "the candidate's key is in the token", node);
  holds(
    retire === undefined || retire.id !== current?.key.id,
    'the key of the current leaf is never to be destroyed',
    node,
  );
  if (current !== undefined && world.enrolled === 'all') {
    const usable = [current, next?.leaf].some((leaf) => present(leaf?.key.id));
    holds(usable, 'never zero usable leaves', node);
  }
}

/** The laws of a single effect, checked before it is performed. */
function checkEffect(effect: RollEffect, node: Node): void {
  const { state, world } = node;
  if (effect.kind === 'destroy-key') {
    holds(world.pinned !== effect.key.id, 'no key is destroyed while its leaf is the one DPS trusts', node);
  }
  if (effect.kind === 'register' && effect.leaf.thumbprint === state.next?.leaf?.thumbprint) {
    holds(state.next.sent, 'intent is written before DPS may come to trust the candidate', node);
  }
}

/** Ladders that count have many rungs: the walk tells the first, and what comes after the last. */
function forGood(state: RollState, effect: RollEffect, luck: Luck, advance: Machine['advance']): RollState {
  let after = state;
  for (let rung = 0; rung < 20 && after.phase === state.phase; rung += 1) {
    after = advance(after, perform({ token: {}, enrolled: 'all', enabled: true }, effect, luck).event, terms).state;
  }
  return after;
}

const LUCK: readonly Luck[] = ['true', 'lost', 'outage', 'refused'];

function* neighbours(node: Node, machine: Machine): Generator<Node> {
  const { advance, effectsOf } = machine;
  const { state, world } = node;
  const go = (via: string, next: RollState, there = world): Node => {
    // History is the walk's own: what the machine writes of it would only be carried along.
    const bare = next.trail.length === 0 && next.outcomes.length === 0 ? next : { ...next, trail: [], outcomes: [] };
    return { state: bare, world: there, via, from: node };
  };
  if (state.online !== undefined || state.flaps > 0) yield go('power cut', reload(state));
  for (const effect of effectsOf(state)) {
    checkEffect(effect, node);
    if (effect.kind === 'connect') yield go('connect refused for good', forGood(state, effect, 'refused', advance));
    if (effect.kind === 'destroy-key') yield go('destroy fails for good', forGood(state, effect, 'outage', advance));
    for (const luck of LUCK) {
      // The hub can lag and an issuer can have moods; DPS and the token refuse only where the world says so.
      if (luck === 'refused' && effect.kind !== 'connect' && effect.kind !== 'request-leaf') continue;
      const met = perform(world, effect, luck);
      const after = go(`${effect.kind} ${luck}`, advance(state, met.event, terms).state, met.world);
      if (met.event.kind === 'failed' && effect.kind === 'register' && state.phase === 'registering-next') {
        holds(after.state.next?.leaf !== undefined, 'a candidate that DPS refuses is parked, not lost', after);
      }
      yield after;
      if (met.world !== world) yield go(`${effect.kind}, power cut`, reload(state), met.world);
    }
  }
  for (const event of SIGNALS) {
    const name = event.kind === 'asked' ? `${event.request.action}${event.discard ? ' --discard' : ''}` : event.kind;
    yield go(name, advance(state, event, terms).state);
  }
  for (const there of operators(world)) yield go('operator', state, there);
}

/** Once faults stop and the operator has enrolled what is there, everything must come to rest in good order. */
function checkSettles(node: Node, { advance, effectsOf }: Machine, settling: Set<string>): void {
  let { state } = node;
  let world: World = { ...node.world, enrolled: 'all', enabled: true };
  let quiet = 0;
  const path: string[] = [];
  for (let turn = 0; turn < 80 && quiet < 3; turn += 1) {
    const [effect] = effectsOf(state);
    const pair = keyOf({ state, world, via: '' });
    // From here on an earlier story has been followed to its good end already.
    if (effect !== undefined && settling.has(pair)) return;
    path.push(pair);
    quiet = effect === undefined ? quiet + 1 : 0;
    if (effect === undefined) {
      const planned = { kind: quiet === 1 ? 'started' : 'woken', at: quiet === 1 ? NOW : LATER, draw: 0.5 } as const;
      state = advance(state, planned, terms).state;
      continue;
    }
    checkEffect(effect, { state, world, via: 'settling', from: node });
    const met = perform(world, effect, 'true');
    world = met.world;
    state = advance(state, met.event, terms).state;
  }
  const end: Node = { state, world, via: 'settled', from: node };
  const { current } = state;
  holds(state.phase === 'serving' && current !== undefined, 'everything settles once faults stop', end);
  holds(state.online === `${current.thumbprint}@${hub.hub}`, 'the session is open', end);
  holds(world.pinned === current.key.id && accepts(world, current.key.id), 'DPS trusts the current leaf', end);
  holds(state.request === undefined, 'no request is left in flight', end);
  holds(state.retire === undefined, 'nothing is left to be retired', end);
  const kept = [current.key.id, state.next?.id].filter((id) => id !== undefined);
  const found = [world.token.a, world.token.b].filter((id) => id !== undefined);
  holds(
    found.every((id) => kept.includes(id)),
    'no key is left behind in the token',
    end,
  );
  holds(
    state.next === undefined || state.next.waiting === true,
    'a candidate that may register has become current',
    end,
  );
}

export function roots({ unprovisioned }: Machine): Node[] {
  const current = leafOf('g0', 'a');
  const serving: RollState = {
    ...unprovisioned,
    phase: 'serving',
    current,
    assignment: hub,
    registered: terms.registered,
  };
  const world: World = { token: { a: 'g0' }, pinned: 'g0', hub: 'g0', enrolled: 'all', enabled: true };
  return [
    { via: 'a new gateway, group', state: unprovisioned, world: { token: {}, enrolled: 'all', enabled: true } },
    { via: 'a new gateway, individual', state: unprovisioned, world: { token: {}, enrolled: [], enabled: true } },
    { via: 'serving, group', state: serving, world },
    { via: 'serving, individual', state: serving, world: { ...world, enrolled: ['g0'] } },
  ];
}

/** Visits every pair that faults, power cuts, people and time can lead to. */
export function walk(machine: Machine, limit = 2_000_000): Walked {
  const seen = new Set<string>();
  const settling = new Set<string>();
  const open: Node[] = [];
  let transitions = 0;
  const visit = (node: Node) => {
    const key = keyOf(node);
    if (seen.has(key)) return;
    seen.add(key);
    open.push(node);
    check(node);
    checkSettles(node, machine, settling);
  };
  for (const root of roots(machine)) visit(root);
  // Breadth first, so that a broken law is told by its shortest story. The list grows while it is walked.
  for (const node of open) {
    for (const next of neighbours(node, machine)) {
      transitions += 1;
      visit(next);
    }
    assert.ok(seen.size < limit, 'the walk does not end: some counter in the state is not bounded');
  }
  return { pairs: seen.size, transitions };
}
