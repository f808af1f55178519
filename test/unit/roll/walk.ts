import assert from 'node:assert/strict';
import { isIntended } from '../../../agent/daemon/intent.ts';
import { hasLeaf, leafIn, mayBeTrusted } from '../../../agent/roll/candidate.ts';
import { isBarred } from '../../../agent/roll/look.ts';
import {
  effectsOf,
  type RollEffect,
  type RollEvent,
  type RollState,
  unprovisioned,
} from '../../../agent/roll/state.ts';
import { entryOf } from '../../../agent/state/entry.ts';
import type { Heard } from './ends.ts';
import { createProofs } from './lasting.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import { advance } from './named.ts';
import { type Pair, Pairs } from './pair.ts';
import { deliveries, fates, moments, operators, requests } from './people.ts';
import { firstLeaf, has, isLive, perform, type Slots, type World } from './world.ts';

/** A pair, and how the walk came there. */
interface Node extends Pair {
  readonly via: string;
  readonly from?: Node;
}

export interface Walked {
  readonly pairs: number;
  readonly transitions: number;
  /** The laws that were broken, each with its shortest story. */
  readonly broken: readonly string[];
}

/** What is on disk: a power cut takes the open session and the flap counter with it. */
function reload(state: RollState): RollState {
  const { online: _, ...kept } = state;
  return { ...kept, flaps: 0, unreached: 0 };
}

function story(node: Node | undefined): string {
  const lines: string[] = [];
  for (let at = node; at !== undefined; at = at.from) lines.unshift(`  ${at.via} → ${at.state.phase} (${briefly(at)})`);
  return lines.join('\n');
}

/** The outside in a few words. */
function briefly({ world, at }: Pair): string {
  const keys = (slots: Slots) => Object.entries(slots).map(([slot, id]) => `${slot} ${id}`);
  const { token, drawer, keeps, pinned, hub: known, enrolled, enabled } = world;
  return [
    `${((at - NOW) / HOUR).toFixed(1)} h`,
    `token ${keys(token).join(' ') || 'empty'}`,
    ...(drawer === undefined ? [] : [`another ${keys(drawer).join(' ') || 'empty'}`]),
    ...(keeps ? ['destroys no key'] : []),
    `DPS ${pinned?.thumbprint ?? 'none'}`,
    `hub ${known ?? 'none'}`,
    ...(enrolled === 'all' ? [] : [`enrolled ${enrolled.join(' ')}`]),
    ...(enabled ? [] : ['disabled']),
  ].join(', ');
}

type Holds = (condition: unknown, law: string, node: Node) => void;

/** The laws that must hold in every pair. */
function check(node: Node, holds: Holds): void {
  const { next, retire, phase, current } = node.state;
  holds(
    retire.every(({ id }) => id !== current?.key.id),
    'the key of the current leaf is never to be destroyed',
    node,
  );
  const isAtRest = phase === 'serving' || phase === 'unprovisioned';
  holds(!isBarred(node.state) || !isAtRest, 'a leaf that the hub refuses is asked for, or a person is called', node);
  if (phase === 'serving' || phase === 'stranded' || phase === 'unprovisioned')
    holds(!hasLeaf(next) || next.is === 'parked', 'a candidate that is not in flight is parked', node);
}

/** The laws of a single effect, checked before it is performed. */
function checkEffect(effect: RollEffect, node: Node, holds: Holds): void {
  const { state, world } = node;
  const { current, next } = state;
  holds(isIntended(effect, entryOf(state)), 'the journal names each effect before it is tried', node);
  if (effect.kind === 'destroy-key') {
    const { key } = effect;
    const isRelied = [current, leafIn(next)].some((leaf) => leaf?.key.id === key.id);
    holds(!isRelied, 'no key is destroyed that current or candidate relies on', node);
    const { pinned } = world;
    const isTrusted = pinned?.key.id === key.id && isLive(pinned, node.at) && has(world, key);
    holds(!isTrusted, 'no key is destroyed while its leaf is the one DPS trusts', node);
  }
  if (effect.kind === 'register' && hasLeaf(next) && effect.leaf.thumbprint === next.leaf.thumbprint)
    holds(mayBeTrusted(next), 'intent is written before DPS may come to trust the candidate', node);
}

/** Ladders that count have many rungs: the walk tells the first, and what comes after the last. */
function forGood(node: Node, event: RollEvent): RollState {
  let { state } = node;
  for (let rung = 0; rung < 40 && state.phase === node.state.phase; rung += 1)
    ({ state } = advance({ ...node, state }, event));
  return state;
}

/** Hears of a pair that lies one event away. */
type Hear = (via: string, pair: Partial<Pair>) => void;

function neighbours(node: Node, { isFated = false }: Walk, hear: Hear, holds: Holds): void {
  const { state, world } = node;
  if (state.online !== undefined || state.flaps > 0) hear('power cut', { state: reload(state) });
  for (const effect of effectsOf(state)) {
    checkEffect(effect, node, holds);
    const { kind } = effect;
    const outage = perform(node, effect, 'outage').event;
    const met = perform(node, effect, 'true');
    const through = advance(node, met.event).state;
    if (met.event.kind === 'failed' && kind === 'register' && state.phase === 'registering-next') {
      const leaf = leafIn(state.next);
      const isUseless = leaf === undefined || !isLive(leaf, node.at) || !has(world, leaf.key);
      holds(hasLeaf(through.next) || isUseless, 'a candidate that DPS refuses is parked, not lost', node);
    }
    hear(`${kind} true`, { state: through, world: met.world });
    hear(`${kind} outage`, { state: advance(node, outage).state });
    const refused = perform(node, effect, 'refused').event;
    // The hub can lag and an issuer can have moods; DPS and the token refuse only where the world says so.
    if (kind === 'connect' || kind === 'request-leaf') hear(`${kind} refused`, { state: advance(node, refused).state });
    if (kind === 'connect') hear('connect refused for good', { state: forGood(node, refused) });
    if (kind === 'connect') hear('nobody answers for long', { state: forGood(node, outage) });
    if (kind === 'destroy-key') hear('destroy fails for good', { state: forGood(node, outage) });
    if (met.world === world) continue;
    hear(`${kind}, answer lost`, { state: advance(node, outage).state, world: met.world });
    // The same where the disk took nothing of what followed: what goes on in memory is all about the current leaf.
    hear(`${kind}, power cut`, { state: reload(state), world: met.world });
  }
  for (const [name, event] of requests(node)) hear(name, { state: advance(node, event).state });
  for (const [name, event] of deliveries(node)) hear(name, { state: advance(node, event).state });
  for (const [name, there] of operators(node)) hear(name, { world: there });
  for (const [name, at] of moments(node))
    hear(name, { at, state: advance({ ...node, at }, { kind: 'woken', at, draw: 0.5 }).state });
  if (isFated) for (const [name, there] of fates(node)) hear(name, { world: there });
}

export interface Walk {
  /** A group accepts every leaf of its CA; an individual enrollment accepts those that the operator has put into it. */
  readonly enrollment: 'group' | 'individual';
  /** The token has fates, too: so many pairs that only the nearest are visited. */
  readonly isFated?: boolean;
  /** leaf.rotate_key = false. */
  readonly keepKey?: boolean;
  /** The key of the first leaf was in the token before newleaf. */
  readonly isGiven?: boolean;
  /** A person brings each leaf. */
  readonly byPerson?: boolean;
  /** The hub trusts a CA. */
  readonly isByCa?: boolean;
  /** Ends the walk after so many pairs: the nearest are the first. */
  readonly most?: number;
  /** Hears how each pair comes to its end once everything is well. */
  readonly heard?: Heard;
  /** Goes on after a law is broken, until this many different laws are. */
  readonly laws?: number;
}

function roots({ enrollment, keepKey = false, isGiven = false, byPerson = false, isByCa = false }: Walk): Node[] {
  const current = firstLeaf(isGiven ? 'given' : 'a');
  const served = { current, assignment: hub, registered: terms.registered };
  const enrolled = (...own: string[]) => ({ enrolled: enrollment === 'group' ? ('all' as const) : own, enabled: true });
  const token = isGiven ? { given: 'g0' } : { a: 'g0' };
  const known = isByCa ? { revoked: [] } : { pinned: current, hub: current.thumbprint };
  const world: World = { token, ...known, ...enrolled(current.thumbprint) };
  const pair = { at: NOW, keepKey, automatic: !byPerson, ...(isByCa && { trust: 'ca' as const }) };
  // A factory key, or a journal that was lost.
  const unknown: Node = { ...pair, via: `a leaf without a journal, ${enrollment}`, state: unprovisioned, world };
  const found = { kind: 'started', given: current, at: NOW, draw: 0.5 } as const;
  const csr = { kind: 'csr-asked', newKey: false, sameKey: keepKey, from: 'technician', at: NOW, draw: 0.5 } as const;
  const asked = {
    ...unknown,
    via: 'its token is away at the start, and a CSR is asked for',
    state: advance(unknown, csr).state,
  };
  return [
    { ...unknown, state: advance(unknown, found).state },
    { ...asked, state: advance(asked, found).state },
    {
      ...pair,
      via: `a new gateway, ${enrollment}`,
      state: unprovisioned,
      world: { token: {}, ...(isByCa && known), ...enrolled() },
    },
    { ...pair, via: `serving, ${enrollment}`, state: { ...unprovisioned, phase: 'serving', ...served }, world },
  ];
}

/** The nearest pairs are looked at closely: each single fault that stays, and each circle. */
const CLOSELY = 25_000;

/** More pairs than this can only come from a counter in the state that is not bounded. */
const UNBOUNDED = 4_000_000;

/** Visits every pair that faults, power cuts, people and time can lead to. */
export function walk(asked: Walk): Walked {
  const { most = UNBOUNDED, laws = 1 } = asked;
  const seen = new Pairs<true>();
  const [ends, ...others] = createProofs(asked.heard);
  const open: Node[] = [];
  const broken = new Map<string, string>();
  const holds: Holds = (condition, law, node) => {
    if (!condition && !broken.has(law)) broken.set(law, `${law}\n${story(node)}`);
  };
  let transitions = 0;
  let from: Node | undefined;
  const visit = (node: Node) => {
    if (seen.get(node) !== undefined) return;
    seen.set(node, true);
    open.push(node);
    check(node, holds);
    for (const proof of seen.size <= CLOSELY ? [ends, ...others] : [ends])
      proof(node, (law, end) => holds(false, law, { ...end, via: 'in the end', from: node }));
  };
  const hear: Hear = (via, pair) => {
    transitions += 1;
    if (from === undefined) return;
    const { state = from.state, world = from.world, at = from.at } = pair;
    // Most events change nothing, and there is no need to name a pair twice.
    if (state !== from.state || world !== from.world || at !== from.at)
      visit({ ...from, state: forget(state), world, at, via, from });
  };
  for (const root of roots(asked)) visit(root);
  // Breadth first, so that a broken law is told by its shortest story. The list grows while it is walked.
  for (const node of open) {
    from = node;
    neighbours(node, asked, hear, holds);
    if (seen.size >= most || broken.size >= laws) break;
  }
  assert.ok(seen.size < UNBOUNDED, 'the walk does not end: some counter in the state is not bounded');
  return { pairs: seen.size, transitions, broken: [...broken.values()] };
}

/** History is the walk's own: what the machine writes of it would only be carried along. */
function forget(state: RollState): RollState {
  return state.trail.length === 0 && state.outcomes.length === 0 ? state : { ...state, trail: [], outcomes: [] };
}
