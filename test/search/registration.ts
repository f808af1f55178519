import { type Code, Fault } from '../../agent/failure/failure.ts';
import type { Assignment, Leaf } from '../../agent/roll/leaf.ts';
import type { Answered } from './faults.ts';
import type { World } from './world.ts';

export const LATENCY_MS = 1_000;
export const SLOW_MS = 130_000;
/** What DPS asks for where it throttles. */
const RETRY_MS = 5_000;

export type Wait = (ms: number, abort?: AbortSignal) => Promise<void>;

export const fail = (code: Code | false | undefined, retryAfterMs?: number): void => {
  if (code) throw new Fault(code, retryAfterMs === undefined ? {} : { retryAfterMs });
};

/** A registration that ends like this has not reached DPS: it costs the gateway a packet, and DPS nothing. */
const UNREACHED: ReadonlySet<Code> = new Set<Code>(['NL-DPS-UNREACHABLE', 'NL-DPS-UNTRUSTED']);

/** What is shown to DPS. */
export interface Shown {
  readonly leaf?: Leaf;
  readonly handshake: () => Code | undefined;
  readonly refusal: () => Answered | undefined;
  /** The request is on its way, and may be answered. */
  readonly asked?: () => void;
  /** What DPS does beside the assignment. */
  readonly accepted?: () => void;
  /** The thumbprint that DPS writes into the registry of the hub. */
  readonly pins: string;
}

/** One registration. @throws Fault */
export async function registration(world: World, wait: Wait, abort: AbortSignal, shown: Shown): Promise<Assignment> {
  await wait(world.faults.dpsOddly === 'slow' ? SLOW_MS : 2 * LATENCY_MS, abort);
  const { dpsOddly, hubLags = 0 } = world.faults;
  world.ask('register', shown.leaf);
  world.token.keys();
  fail(shown.handshake());
  const refusal = shown.refusal();
  if (refusal === undefined || !UNREACHED.has(refusal.code)) {
    world.count('reach DPS');
    if (refusal?.code !== 'NL-DPS-REJECTED') shown.asked?.();
  }
  // DPS has assigned that hub, and pinned the leaf: it is newleaf that does not go there.
  if (refusal?.code === 'NL-DPS-HUB') pin(world, shown, hubLags);
  fail(refusal?.code, refusal?.retryAfterMs);
  fail(world.isThrottled() && 'NL-DPS-THROTTLED', RETRY_MS);
  if (dpsOddly === 'flips') world.assigns = world.assigns === 'hub1' ? 'hub2' : 'hub1';
  const hub = world.assigns;
  pin(world, shown, hubLags);
  shown.accepted?.();
  if (dpsOddly === 'loses') fail('NL-DPS-TIMEOUT');
  return { hub, deviceId: 'gw-1' };
}

function pin(world: World, { pins }: Shown, afterMs: number): void {
  world.accepted = pins;
  if (world.faults.dpsOddly !== 'forgets') world.write(world.assigns, pins, afterMs);
}
