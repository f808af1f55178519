import type { advance } from '../../../agent/roll/advance.ts';
import type { Assignment, Leaf } from '../../../agent/roll/leaf.ts';
import type { Terms } from '../../../agent/roll/plan.ts';
import type { effectsOf, RollState, unprovisioned } from '../../../agent/roll/state.ts';

/** The machine under test. The mutation script walks deliberately broken copies of it. */
export interface Machine {
  readonly advance: typeof advance;
  readonly effectsOf: typeof effectsOf;
  readonly unprovisioned: RollState & typeof unprovisioned;
}

export async function loadMachine(directory = new URL('../../../agent/roll/', import.meta.url)): Promise<Machine> {
  const { advance } = await import(new URL('advance.ts', directory).href);
  const { effectsOf, unprovisioned } = await import(new URL('state.ts', directory).href);
  return { advance, effectsOf, unprovisioned };
}

const HOUR = 3_600_000;
/** When things happen, and when the planned moments (probe, renewal) have come. */
export const NOW = 1_800_000_000_000;
export const LATER = NOW + 2.5 * HOUR;

export const terms: Terms = {
  automatic: true,
  renewAt: { leftMs: 28 * HOUR },
  builtAt: NOW - 1000 * HOUR,
  requestsPerHour: 1e9,
  burst: 1e9,
  minRollIntervalMs: 0,
  registered: 'scope/gw-1@dps',
};

/** The leaf of a generation. The first is due at LATER, every younger one long after. */
export function leafOf(generation: string, slot: Leaf['key']['slot']): Leaf {
  const first = generation === 'g0';
  return {
    key: { slot, id: generation },
    chain: `pem of ${generation}`,
    thumbprint: `T-${generation}`,
    cn: 'gw-1',
    serial: generation,
    issuer: 'CA',
    notBefore: NOW - 10 * HOUR,
    notAfter: first ? NOW + 30 * HOUR : NOW + 90 * HOUR,
  };
}

export const hub: Assignment = { hub: 'hub1', deviceId: 'gw-1' };
