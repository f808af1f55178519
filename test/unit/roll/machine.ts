import type { Assignment, Leaf } from '../../../agent/roll/leaf.ts';
import type { Terms } from '../../../agent/roll/terms.ts';

export const HOUR = 3_600_000;
/** When things happen, and when the planned moments (probe, renewal) have come. */
export const NOW = 1_800_000_000_000;
export const LATER = NOW + 2.5 * HOUR;

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
