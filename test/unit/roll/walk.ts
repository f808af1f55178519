import assert from 'node:assert/strict';
import { hasLeaf, leafIn } from '../../../agent/roll/candidate.ts';
import {
  effectsOf,
  type RollEffect,
  type RollEvent,
  type RollState,
  unprovisioned,
} from '../../../agent/roll/state.ts';
import type { Heard } from './ends.ts';
import { createProofs } from './lasting.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import { advance, reload } from './named.ts';
import { type Pair, Pairs } from './pair.ts';
import { deliveries, fates, moments, operators, requests } from './people.ts';
import { check, checkAnswer, checkEffect, type Holds, type Node } from './walk-laws.ts';
import { FAILURES, firstLeaf, has, isLive, perform, type Slots, type World } from './world.ts';

export interface Walked {
  readonly pairs: number;
  readonly transitions: number;
  /** The laws that were broken, each with its shortest story. */
  readonly broken: readonly string[];
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

/** Effects whose failures are counted. */
const LONG: ReadonlySet<RollEffect['kind']> = new Set<RollEffect['kind']>(['connect', 'destroy-key', 'register']);

/** Ladders that count have many rungs: the walk tells the first, and what comes after the last. */
function forGood(node: Node, event: RollEvent, holds: Holds): RollState {
  let at = node;
  for (let rung = 0; rung < 40; rung += 1) {
    const step = advance(at, event);
    if (step.state.phase !== node.state.phase) checkAnswer(event, at, step, holds);
    at = { ...at, state: step.state };
    if (at.state.phase !== node.state.phase) break;
  }
  return at.state;
}

/** Hears of a pair that lies one event away. */
type Hear = (via: string, pair: Partial<Pair>) => void;

function neighbours(node: Node, { isFated = false }: Walk, hear: Hear, holds: Holds): void {
  const { state, world } = node;
  if (state.online !== undefined || state.flaps > 0) hear('power cut', { state: reload(state) });
  for (const effect of effectsOf(state)) {
    checkEffect(effect, node, holds);
    const { kind } = effect;
    const met = perform(node, effect, 'true');
    const done = advance(node, met.event);
    const through = done.state;
    checkAnswer(met.event, node, done, holds);
    if (met.event.kind === 'failed' && kind === 'register' && state.phase === 'registering-next') {
      const leaf = leafIn(state.next);
      const isUseless = leaf === undefined || !isLive(leaf, node.at) || !has(world, leaf.key);
      holds(hasLeaf(through.next) || isUseless, 'a candidate that DPS refuses is parked, not lost', node);
    }
    hear(`${kind} true`, { state: through, world: met.world });
    const [silence] = FAILURES[kind];
    for (const code of FAILURES[kind]) {
      const { event, world: there } = perform(node, effect, code);
      const failed = advance(node, event);
      checkAnswer(event, node, failed, holds);
      const { state: after, retry } = failed;
      hear(`${kind} ${code}`, { state: after, world: there });
      if (code === silence && there === world && met.world !== world)
        hear(`${kind} ${code}, and it was done`, { state: after, world: met.world });
      if (retry !== undefined && LONG.has(kind))
        hear(`${kind} ${code}, for long`, { state: forGood(node, event, holds) });
    }
    // The disk took nothing of what followed: what goes on in memory is all about the current leaf.
    if (met.world !== world) hear(`${kind}, power cut`, { state: reload(state), world: met.world });
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

/** Stories that lead far from where a gateway begins: what is near their ends is seen as well. */
const ROLL = ['generate-key true', 'request-leaf true', 'register true'] as const;
const CURE = ['hub forgets the device', 'enrollment disabled', 'connect true', 'register true', ...ROLL.slice(0, 2)];
const DEEP: readonly (readonly string[])[] = [
  // The candidate costs the process, twice, and a person gives it up.
  ['connect true', 'roll', ...ROLL, 'connect NL-TOKEN-POISONED', 'connect NL-TOKEN-POISONED', 'roll --discard'],
  // Hub and DPS refuse the current leaf, and DPS does not answer about the next one.
  [...CURE, 'enrollment enabled', 'register NL-DPS-SERVER, for long', 'register true'],
  // A person gives it up, and DPS does not answer about the current leaf either, until the issuer has refused another.
  [
    ...CURE,
    'enrollment enabled',
    'roll --discard',
    'register NL-DPS-SERVER, for long',
    'request-leaf NL-EST-REFUSED',
    'register true',
  ],
  // A leaf that is due, whose next one the hub refuses; and DPS does not answer about the way back.
  ['connect true', 'the next moment comes', ...ROLL, 'connect NL-HUB-REJECTED, for long', 'register NL-DPS-SERVER'],
  // The last resort, and the key of the current leaf is lost; the next key was made all the same.
  [
    'connect true',
    'the next moment comes',
    'generate-key NL-TOKEN-FAILED, and it was done',
    'the next moment comes',
    'the key of the current leaf is lost',
    'request-leaf true',
  ],
  // Both places of the token are taken.
  ['a foreign key is in the free slot', 'roll', 'generate-key true', 'generate-key true'],
];

/** The pairs of a story, as far as it can happen. */
function along(root: Node, asked: Walk, names: readonly string[]): readonly Node[] {
  const nodes: Node[] = [];
  for (let [from, at] = [root, 0]; at < names.length; at += 1) {
    let next: Node | undefined;
    const hear: Hear = (via, pair) => {
      // Work comes before the session.
      if (via === names[at]) next ??= { ...from, ...pair, via, from };
    };
    neighbours(from, asked, hear, () => {});
    if (next === undefined) break;
    from = next;
    nodes.push(next);
  }
  return nodes;
}

/** The nearest pairs are looked at closely: each single fault that stays, and each circle. */
const CLOSELY = 8_000;

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
  for (const root of roots(asked)) {
    visit(root);
    for (const names of DEEP) for (const node of along(root, asked, names)) visit(node);
  }
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
