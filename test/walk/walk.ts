import assert from 'node:assert/strict';
import { entryOf, memoryOf } from '../../agent/roll/core/entry.ts';
import { blank, type Memory } from '../../agent/roll/core/memory.ts';
import type { Leaf } from '../../agent/roll/leaf.ts';
import { everyFaultIsBounded } from './daily.ts';
import type { Heard } from './ends.ts';
import { createProofs } from './lasting.ts';
import { check } from './laws.ts';
import { nameOf } from './name.ts';
import { neighbours } from './neighbours.ts';
import { Open } from './open.ts';
import { firstLeaf, HOUR, hub, NOW, type Node, type Pair, terms } from './pair.ts';
import { csrNow } from './people.ts';
import { checkScreen } from './screen.ts';
import { advance, begun } from './step.ts';
import { alongStories } from './stories.ts';
import { storyOf } from './story.ts';
import type { World } from './world.ts';

export interface Walked {
  /** Pairs that were left in each way, and from which each fault that stays was played. */
  readonly pairs: number;
  /** Pairs that were met: the laws of one moment hold in them. */
  readonly met: number;
  readonly transitions: number;
  /** The laws that were broken, each with its shortest story. */
  readonly broken: readonly string[];
}

export interface Walk {
  /** A group accepts every leaf of its CA; an individual enrollment accepts those that the operator has put into it. */
  readonly enrollment: 'group' | 'individual';
  /** Token and disk have fates, too: so many pairs that only the nearest are visited. */
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
  const { thumbprint, key } = current;
  const enrolled = (...own: string[]) => ({ enrolled: enrollment === 'group' ? ('all' as const) : own, enabled: true });
  const known = isByCa ? { revoked: [] } : { pinned: current, hub: thumbprint };
  const world: World = { token: isGiven ? { given: 'g0' } : { a: 'g0' }, ...known, ...enrolled(thumbprint) };
  const own = { ...terms, keepKey, automatic: !byPerson, ...(isByCa && { trust: 'ca' as const }) };
  const bare = (memory: Memory, there: World): Pair =>
    begun({ memory, world: there, at: NOW, up: HOUR, bornAt: HOUR, terms: own });
  // A factory key, or a journal that was lost.
  const unknown = bare(blank, world);
  const found = (pair: Pair, given: Leaf) => advance(pair, { kind: 'started', given }).pair;
  const served: Memory = {
    ...blank,
    current,
    at: { current: hub },
    trusts: [{ thumbprint, keyId: key.id }],
    registered: terms.registered,
  };
  const started = (pair: Pair) => advance(pair, { kind: 'started' }).pair;
  const serving: Node = { ...started(bare(served, world)), via: `serving, ${enrollment}` };
  return [
    { ...found(unknown, current), via: `a leaf without a journal, ${enrollment}` },
    {
      ...found(advance(unknown, csrNow(unknown)).pair, current),
      via: 'its token is away at the start, and a CSR is asked for',
    },
    {
      ...started(bare(blank, { token: {}, ...(isByCa && known), ...enrolled() })),
      via: `a new gateway, ${enrollment}`,
    },
    serving,
    ...alongStories(serving),
  ];
}

/** Of so many pairs one day is played: an hour of attempts costs more than all that is else done with a pair. */
const DAYS = 30;

/** More pairs than this can only come from a counter in the memory that is not bounded. */
const UNBOUNDED = 4_000_000;

/** Visits every pair that faults, power cuts, people and time can lead to. */
export function walk(asked: Walk): Walked {
  const { most = UNBOUNDED, laws = 1 } = asked;
  const seen = new Set<string>();
  const proofs = [...createProofs(asked.heard), everyFaultIsBounded(most / DAYS)];
  const open = new Open<Node>();
  const broken = new Map<string, string>();
  const tell = (law: string, node: Node) => {
    if (!broken.has(law)) broken.set(law, `${law}\n${storyOf(node)}`);
  };
  let transitions = 0;
  const meet = (node: Node) => {
    const name = nameOf(node);
    if (seen.has(name)) return;
    seen.add(name);
    open.add(node);
    const holds = (condition: boolean, law: string) => void (condition || tell(law, node));
    check(node, holds);
    checkScreen(node, holds);
  };
  for (const root of roots(asked)) meet(root);
  let pairs = 0;
  for (let node = open.next(); node !== undefined && pairs < most && broken.size < laws; node = open.next()) {
    pairs += 1;
    for (const proof of proofs)
      proof(node, (law, end) => tell(law, { ...end, via: 'in the end', ...(node && { from: node }) }));
    for (const [via, pair, law] of neighbours(node, asked)) {
      transitions += 1;
      const next: Node = { ...forgetting(pair), via, from: node };
      if (law !== undefined) tell(law, next);
      else meet(next);
    }
  }
  assert.ok(seen.size < UNBOUNDED, 'the walk does not end: some counter in the memory is not bounded');
  return { pairs, met: seen.size, transitions, broken: [...broken.values()] };
}

/** History is the walk's own: what newleaf keeps of it would only be carried along. */
function forgetting(pair: Pair): Pair {
  const { memory } = pair;
  if (memory.trail.length === 0 && memory.outcomes.length === 0) return pair;
  return { ...pair, memory: { ...memory, trail: [], outcomes: [] } };
}

export { entryOf, memoryOf };
