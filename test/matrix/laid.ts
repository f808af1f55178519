import { cut } from '../e2e/stage/site.ts';
import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import type { Fault, Scene } from './play.ts';

interface Laying extends Partial<Fault> {
  readonly with?: FaultOptions;
}

/**
 * A fault of the first hub, which begins as the session ends: none is open while it lasts. Each has a gateway of its own, since
 * the third session that ends within a minute is another trouble.
 */
export const ofHub = (
  fault: string,
  name: FaultName,
  code: RegExp,
  { with: options, ...more }: Laying = {},
): Fault => ({
  group: 'hub',
  fault,
  isAlone: true,
  code,
  exit: 1,
  session: 'none',
  async begin({ far }) {
    await far.lay('hub1', name, options);
    if (name !== 'port-closed') await cut(far);
  },
  end: ({ far }) => far.lift('hub1', name),
  ...more,
});

/** A technician has the leaf registered again: the pauses of newleaf need not be waited for. */
export const REGISTER = '`newleaf reprovision`';
export const register = ({ gateway }: Scene) => gateway.post('/v1/reprovision');

/** The same of a roll. */
export const ROLL = '`newleaf roll`';
export const roll = ({ gateway }: Scene) => gateway.post('/v1/roll');
/** What a roll takes. */
export const ONE_ROLL = { leaves: 1, registrations: 1 } as const;

/** A fault of DPS, which is met as a technician asks for a registration. The session is open all the while. */
export const ofDps = (
  fault: string,
  name: FaultName,
  code: RegExp,
  { with: options, ...more }: Laying = {},
): Fault => ({
  group: 'DPS',
  fault,
  code,
  exit: 0,
  session: 'open',
  by: REGISTER,
  work: { registrations: 1 },
  cost: { registrations: 4 },
  async begin(at) {
    await at.far.lay('dps', name, options);
    await register(at);
  },
  async end(at) {
    await at.far.lift('dps', name);
    // The ladder climbs to an hour: who asks is not kept waiting.
    await register(at);
  },
  ...more,
});

/** A fault of the EST server, which is met by a roll. The session is open all the while. */
export const ofIssuer = (
  fault: string,
  name: FaultName,
  code: RegExp,
  { with: options, ...more }: Laying = {},
): Fault => ({
  group: 'issuer',
  fault,
  code,
  exit: 0,
  session: 'open',
  by: ROLL,
  work: ONE_ROLL,
  cost: { leaves: 2 },
  async begin(at) {
    await at.far.lay('est', name, options);
    await roll(at);
  },
  async end(at) {
    await at.far.lift('est', name);
    await roll(at);
  },
  ...more,
});
