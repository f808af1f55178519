import { exitOfStatus } from '../../../agent/cli/status/wrong.ts';
import { differs, isIntended } from '../../../agent/daemon/intent.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import type { Advance } from '../../../agent/roll/advance.ts';
import { turnMs } from '../../../agent/roll/backoff.ts';
import { hasLeaf, leafIn, mayBeTrusted, restOf } from '../../../agent/roll/candidate.ts';
import { isBarred } from '../../../agent/roll/look.ts';
import { presentOf, type Status } from '../../../agent/roll/report.ts';
import { effectsOf, type Of, type RollEffect, type RollEvent } from '../../../agent/roll/state.ts';
import { wrongIn } from '../../../agent/roll/wrong.ts';
import { entryOf } from '../../../agent/state/entry.ts';
import { HOUR } from './machine.ts';
import { advance } from './named.ts';
import { type Pair, termsOf } from './pair.ts';
import { rollNow } from './people.ts';
import { has, isLive } from './world.ts';

/** A pair, and how the walk came there. */
export interface Node extends Pair {
  readonly via: string;
  readonly from?: Node;
}

export type Holds = (condition: unknown, law: string, node: Node) => void;

/** The screen at this moment. */
export const statusAt = (pair: Pair): Status =>
  presentOf(pair.state, { version: '0', registrationId: 'gw-1', terms: termsOf(pair), now: pair.at });

/** The laws that must hold in every pair. */
export function check(node: Node, holds: Holds): void {
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
  checkScreen(node, holds);
  checkClock(node, holds);
}

function checkScreen(node: Node, holds: Holds): void {
  const { state } = node;
  const status = statusAt(node);
  const { online, person, wrong } = status;
  const exit = exitOfStatus(status);
  const codes = wrong.map(({ code }) => code);
  holds(!person || codes.length > 0, 'where a person is needed, the screen says for what', node);
  holds(
    online || exit !== EXIT.done || effectsOf(state).length > 0,
    'a gateway that is offline is at work, or not well',
    node,
  );
  holds(state.phase !== 'stranded' || (person && exit === EXIT.person), 'a stranded gateway calls a person', node);
  const met = restOf(state.next)?.failure;
  const isExpected = state.next?.is !== 'unwanted' || state.next.because !== 'discarded';
  holds(met === undefined || !isExpected || codes.includes(met.code), 'the cause why a candidate waits is told', node);
}

/** A clock that is set back while the process runs was ahead before: only the leaf's own beginning contradicts it. */
function checkClock(node: Node, holds: Holds): void {
  const { state, at } = node;
  const earlier = at - HOUR / 2;
  if (state.lastSeen !== at || earlier < (state.current?.notBefore ?? 0)) return;
  const set = advance({ ...node, at: earlier }, { kind: 'woken', isSetBack: true, at: earlier, draw: 0.5 });
  const { credible } = statusAt({ ...node, at: earlier, state: set.state }).clock;
  holds(credible, 'a clock that was set right is not said to be wrong', node);
}

/** The laws of a single effect, checked before it is performed. */
export function checkEffect(effect: RollEffect, node: Node, holds: Holds): void {
  const { state, world } = node;
  const { current, next, retire } = state;
  holds(isIntended(effect, entryOf(state)), 'the journal names each effect before it is tried', node);
  if (effect.kind === 'generate-key') {
    const there = world.token[effect.slot];
    const isOurs = retire.some(({ id }) => id === there);
    holds(!isOurs, 'a key that is given up makes room before the next one is made', node);
  }
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

/** The laws of an answer. @param after what the machine makes of it */
export function checkAnswer(event: RollEvent, node: Node, after: Advance, holds: Holds): void {
  if (event.kind === 'registered') checkPinned(event, node, after, holds);
  const met = after.event ?? event;
  if (met.kind !== 'failed' || after.restart === true) return;
  checkFailed(met, node, after, holds);
  checkTurn(met, node, after, holds);
}

function checkFailed({ effect, failure }: Of<'failed'>, node: Node, { state, retry }: Advance, holds: Holds): void {
  const told = wrongIn(state, termsOf(node), node.at);
  const codes = told.map(({ code }) => code);
  // What ends a handshake is told by the leaf that has ended.
  const isEffect = failure.code === 'NL-HUB-CLOSED' && codes.includes('NL-LEAF-EXPIRED');
  holds(
    retry === undefined || isEffect || codes.includes(failure.code),
    'what fails is told while it is tried again',
    node,
  );
  // Where another fault came in between, the first place is not known any more.
  const isSecond = effect.kind === 'generate-key' && node.state.workTrouble?.failure.code === 'NL-TOKEN-OCCUPIED';
  const taken = isSecond && told.find(({ code }) => code === 'NL-TOKEN-OCCUPIED');
  const own = state.current?.key;
  if (taken && own !== undefined && has(node.world, own))
    holds(
      !taken.message.includes(`slot ${own.slot}`),
      'the place that is told as taken is not that of the current leaf',
      node,
    );
  const before = [node.state.workTrouble, node.state.sessionTrouble].map((one) => one?.failure.code);
  // Of a key that is not destroyed, attempts are counted on the disk.
  if (retry === undefined || effect.kind === 'destroy-key' || !before.includes(failure.code)) return;
  const isWritten = differs(entryOf(state), entryOf(node.state));
  holds(!isWritten || state.phase !== node.state.phase, 'what only fails once more is not written', node);
}

/** With two leaves, each is asked for in its turn: also where the ladder of this one has come to its hours. */
function checkTurn(event: Of<'failed'>, node: Node, { state: { next } }: Advance, holds: Holds): void {
  const before = node.state.next;
  if (next?.is !== 'parked' || next.rest.failure.kind !== 'transient' || !hasLeaf(before)) return;
  const late = advance({ ...node, state: { ...node.state, next: { ...before, tries: 9 } } }, event).state;
  const askAt = statusAt({ ...node, state: late }).next?.askAt;
  const isSoon = askAt !== undefined && Date.parse(askAt) - node.at <= turnMs(1);
  holds(isSoon, 'a candidate without an answer waits for no more than its turn', node);
}

/** Registered last wins: DPS trusts this leaf, and no other. */
function checkPinned({ thumbprint }: Of<'registered'>, node: Node, { state }: Advance, holds: Holds): void {
  const { current, next, request } = state;
  if (thumbprint !== current?.thumbprint || request !== undefined) return;
  const { at } = node;
  if (next?.is === 'parked') {
    const { state: discarded } = advance({ ...node, state }, rollNow(at, true));
    holds(
      discarded.next?.is !== 'unwanted',
      'a candidate that DPS trusts no more is discarded without another registration',
      node,
    );
  }
  if (next?.is !== 'key-made' || next.key.id === current.key.id) return;
  const asked = { kind: 'csr-asked', newKey: true, from: 'technician', at, draw: 0.5 } as const;
  const other = advance({ ...node, state }, asked).state.next;
  holds(other?.is !== 'key-made', 'a key that DPS trusts no more makes room for another', node);
}
