import type { Entry } from '../../agent/roll/core/entry.ts';
import type { Flying, Memory } from '../../agent/roll/core/memory.ts';
import type { Plan } from '../../agent/roll/core/plan.ts';
import type { Assignment, Leaf } from '../../agent/roll/leaf.ts';
import type { RollState } from '../../agent/roll/state.ts';
import type { Terms } from '../../agent/roll/terms.ts';
import type { World } from './world.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const NOW = 1_800_000_000_000;

/** A gateway and the outside, at one moment. */
export interface Pair {
  readonly memory: Memory;
  /** The memory that a power cut leaves. */
  readonly disk: Entry;
  /** The disk takes each write, and is read only where a process ends: a proof asks for no more. */
  readonly isPlayed?: true;
  /** Effects that have gone out, and are not answered. */
  readonly flying: Flying;
  readonly plan: Plan;
  /** The memory as status, log and twin see it. */
  readonly state: RollState;
  readonly world: World;
  /** Wall clock, milliseconds. */
  readonly at: number;
  /** Monotonic clock, milliseconds. */
  readonly up: number;
  /** The beginning of this process, by the monotonic clock. */
  readonly bornAt: number;
  readonly terms: Terms;
}

/** A pair, and how the walk came there. */
export interface Node extends Pair {
  readonly via: string;
  readonly from?: Node;
}

/** Hears of a law that does not hold, with the pair in which it was seen. */
export type Holds = (condition: boolean, law: string) => void;

export const terms: Terms = {
  attestation: 'x509',
  trust: 'leaf',
  automatic: true,
  keepKey: false,
  renewAt: { leftMs: 28 * HOUR },
  builtAt: NOW - 1000 * HOUR,
  requestsPerHour: 1e9,
  burst: 1e9,
  minRollIntervalMs: 0,
  registered: 'scope/gw-1@dps',
};

export const hub: Assignment = { hub: 'hub1', deviceId: 'gw-1' };
/** The hub to which a gateway was moved. */
export const otherHub: Assignment = { ...hub, hub: 'hub2' };

let drawn = 0;

/** A number that no other call gives: for names, and for draws that are alike but not the same. */
export function another(): number {
  drawn += 1;
  return drawn;
}

/** The first leaf of a gateway that serves. It is due in two days: its renewal mends no fault meanwhile. */
export const firstLeaf = (slot: Leaf['key']['slot']): Leaf => ({
  key: { slot, id: 'g0' },
  chain: 'pem of T0',
  thumbprint: 'T0',
  cn: 'gw-1',
  serial: 'T0',
  issuer: 'CA',
  notBefore: NOW - 10 * HOUR,
  notAfter: NOW + 80 * HOUR,
});
