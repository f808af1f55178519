import assert from 'node:assert/strict';
import type { LogLine } from '../e2e/stage/daemon-log.ts';
import { cut } from '../e2e/stage/site.ts';
import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import type { Fault, Scene } from './play.ts';

interface Laying extends Partial<Fault> {
  readonly with?: FaultOptions;
  /** The least pauses between the registrations that newleaf sends by itself, in milliseconds: so many are waited for. */
  readonly pauses?: readonly number[];
}

/** The ladder of registrations begins at 5 s (Microsoft: "first delay at least 5 s"), with jitter of a quarter. */
const FIRST_PAUSE_MS = 5_000 * 0.75;
/** Until newleaf asks a DPS again that has throttled it: 7 s of Retry-After, 90 s at most for a fleet that was throttled with it. */
const THROTTLED_MS = 97_000;

/**
 * A fault of the first hub, which begins as the session ends: none is open while it lasts. Each has a gateway of its own, since
 * the third session that ends within a minute is another trouble.
 */
export const ofHub = (fault: string, name: FaultName, code: RegExp, { with: options, ...more }: Laying = {}): Fault => {
  let since = 0;
  return {
    group: 'hub',
    fault,
    isAlone: true,
    code,
    exit: 1,
    session: 'none',
    async begin({ far, gateway }) {
      since = gateway.log.lines.length;
      await far.lay('hub1', name, options);
      if (name !== 'port-closed') await cut(far);
    },
    async end({ far, gateway }) {
      await far.lift('hub1', name);
      const failed = gateway.log.lines
        .slice(since)
        .filter(({ event, action }) => event === 'failed' && action === 'connect');
      for (const line of failed) assert.match(String(line.code), code, JSON.stringify(line));
    },
    ...more,
  };
};

/** A technician has the leaf registered again: the pauses of newleaf need not be waited for. */
export const REGISTER = '`newleaf reprovision`';
export const register = ({ gateway }: Scene) => gateway.post('/v1/reprovision');

/** The same of a roll. */
export const ROLL = '`newleaf roll`';
export const roll = ({ gateway }: Scene) => gateway.post('/v1/roll');
/** What a roll takes. */
export const ONE_ROLL = { leaves: 1, registrations: 1 } as const;

/** What far side and daemon had logged as the fault began. */
interface Since {
  readonly entry: number;
  readonly line: number;
}

/** Asserts that no registration came sooner after the one before it than the ladder allows. A new leaf is registered at once. */
async function assertPaced({ far, gateway }: Scene, { entry, line }: Since, pauses: readonly number[]): Promise<void> {
  let seen = 0;
  const isLast = ({ event, action }: LogLine) => event === 'failed' && action === 'register' && ++seen > pauses.length;
  if (pauses.length > 0) await gateway.log.waitFor(isLast, { since: line, timeoutMs: pauses.length * THROTTLED_MS });
  const entries = far.log.since(entry);
  if (entries.some(({ event }) => event === 'issued')) return;
  const moments = entries.filter(({ event }) => event === 'register').map(({ at }) => at);
  const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? 0));
  for (const [index, gap] of gaps.entries()) assert.ok(gap >= (pauses[index] ?? FIRST_PAUSE_MS), `${gaps} ms`);
  if (pauses.length === 0) return;
  const dialled = entries.filter(({ server, event }) => server === 'dps' && event === 'tls').length;
  assert.equal(dialled, moments.length, 'DPS was not dialled in between');
}

/** A fault of DPS, which is met as a technician asks for a registration. The session is open all the while. */
export const ofDps = (
  fault: string,
  name: FaultName,
  code: RegExp,
  { with: options, pauses = [], ...more }: Laying = {},
): Fault => {
  let since: Since = { entry: 0, line: 0 };
  return {
    group: 'DPS',
    fault,
    code,
    exit: 0,
    session: 'open',
    by: REGISTER,
    work: { registrations: 1 },
    cost: { registrations: 4 },
    async begin(at) {
      since = { entry: at.far.log.entries.length, line: at.gateway.log.lines.length };
      await at.far.lay('dps', name, options);
      await register(at);
    },
    async end(at) {
      await assertPaced(at, since, pauses);
      await at.far.lift('dps', name);
      // The ladder climbs to an hour: who asks is not kept waiting.
      await register(at);
    },
    ...more,
  };
};

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
