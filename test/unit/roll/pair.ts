import { getsNoRegistration, isStuck, RETIRE_TRIES } from '../../../agent/roll/look.ts';
import type { Phase, RollState } from '../../../agent/roll/state.ts';
import { leafOf } from './machine.ts';
import { ENDS, type World } from './world.ts';

/** What the journal says, and how things are outside. */
export interface Pair {
  readonly state: RollState;
  readonly world: World;
}

const FIRST_ENDS = leafOf('g0', 'a').notAfter;

const PHASES: Readonly<Record<Phase, number>> = {
  unprovisioned: 0,
  serving: 1,
  registering: 2,
  'generating-key': 3,
  'requesting-leaf': 4,
  'registering-next': 5,
  'connecting-next': 6,
  'retiring-key': 7,
  abandoning: 8,
  stranded: 9,
};

/**
 * Two pairs that differ only in history are one: the trail, clock readings, words, the names of generations, and counters
 * beyond their effect are left out. What is left is packed into one whole number, digit by digit (each line names the
 * base of its digit): millions of pairs are looked up, and a number is looked up fastest.
 */
export function keyOf({ state, world }: Pair): number {
  const { request, next, current, probe, retire, online, grace, unproven } = state;
  const inB = current?.key.slot === 'b';
  const mine = inB ? world.token.b : world.token.a;
  const other = inB ? world.token.a : world.token.b;
  let key = PHASES[state.phase];
  key = key * 4 + place(current?.key.id, mine, other);
  key = key * 4 + (current === undefined ? 0 : age(current.notAfter));
  key = key * 4 + place(online?.slice(2, 4), mine, other);
  key = key * 2 + bit(state.rejected);
  key = key * 2 + bit(isStuck(state));
  key = key * 2 + bit(getsNoRegistration(state));
  key = key * 3 + (next === undefined ? 0 : 1 + bit((next.slot === 'b') === inB));
  key = key * 4 + place(next?.id ?? next?.intended, mine, other);
  key = key * 2 + bit(next?.id === undefined);
  key = key * 3 + (next?.leaf === undefined ? 0 : next.leaf.notAfter === ENDS.late ? 2 : 1);
  key = key * 2 + bit(next?.assignment !== undefined);
  key = key * 2 + bit(next?.sent);
  key = key * 2 + bit(next?.unwanted);
  key = key * 2 + bit(next?.denied);
  key = key * 3 + (next?.waitsFor === undefined ? 0 : next.waitsFor === 'roll' ? 1 : 2);
  key = key * 2 + bit(next?.parked !== undefined);
  key = key * 4 + place(retire?.id, mine, other);
  key = key * 3 + (retire === undefined || retire.tries === 0 ? 0 : retire.tries < RETIRE_TRIES ? 1 : 2);
  key = key * 2 + bit(state.rolledFor !== undefined && state.rolledFor === current?.thumbprint);
  key = key * 2 + bit(unproven > 0);
  key = key * 3 + (grace === undefined ? 0 : grace === 0 ? 1 : 2);
  key = key * 3 + (request === undefined ? 0 : request.action === 'roll' ? 1 : 2);
  key = key * 2 + bit(request?.reason === 'probe');
  key = key * 3 + (probe === undefined ? 0 : 1 + (probe.times % 2));
  key = key * 2 + bit(mine !== undefined);
  key = key * 2 + bit(other !== undefined);
  key = key * 4 + place(world.pinned, mine, other);
  key = key * 4 + place(world.hub, mine, other);
  key = key * 2 + bit(world.enabled);
  key = key * 4 + place(world.lost, mine, other);
  key = key * 2 + bit(world.late);
  return key * 5 + enrolled(world, mine, other);
}

const age = (notAfter: number): number => (notAfter === FIRST_ENDS ? 1 : notAfter === ENDS.late ? 2 : 3);
const bit = (is: boolean | undefined): number => (is === true ? 1 : 0);

/** Which generation: none, the one in the slot of the current leaf, the one in the other slot, one that is gone. */
function place(id: string | undefined, mine: string | undefined, other: string | undefined): number {
  return id === undefined ? 0 : id === mine ? 1 : id === other ? 2 : 3;
}

function enrolled(world: World, mine: string | undefined, other: string | undefined): number {
  const list = world.enrolled;
  if (list === 'all') return 4;
  return bit(mine !== undefined && list.includes(mine)) * 2 + bit(other !== undefined && list.includes(other));
}
