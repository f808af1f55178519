import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { arrivals, assertKept, Counting, queues } from '../e2e/stage/counting.ts';
import type { GatewayOptions } from '../e2e/stage/gateway.ts';
import { PATIENCE_MS, type Serving, serving } from '../e2e/stage/site.ts';
import { matrixRow, type Row } from './record.ts';
import { assertTold, codeOf, seen, type Truth } from './told.ts';
import { Unit } from './unit.ts';

/** A gateway that serves, a program that sends through it, and what stands in for systemd. */
export interface Scene extends Serving {
  readonly t: TestContext;
  readonly unit: Unit;
  readonly program: Counting;
}

/** Leaves that were issued, registrations that DPS heard of, and starts of the daemon. Messages are never lost. */
export interface Cost {
  readonly leaves?: number;
  readonly registrations?: number;
  readonly restarts?: number;
}

/** A fault, and what must be told while it lasts. */
export interface Fault extends Pick<Row, 'group' | 'fault' | 'by'>, Truth {
  /** Begins the fault, and whatever makes it matter. */
  begin(scene: Scene): unknown;
  /** Ends it. A person's part is in here as well, where one is needed, and what is waited for where it ends by itself. */
  end(scene: Scene): unknown;
  /** A gateway of its own, as the fault needs it. */
  readonly options?: (t: TestContext) => GatewayOptions;
  /** It leaves something behind, so it has a gateway of its own. */
  readonly isAlone?: true;
  /** What the work takes that the fault is in the way of: a roll, or a registration. */
  readonly work?: Cost;
  /** What the fault may cost at most beside that. */
  readonly cost?: Cost;
  /** Until it serves again, in milliseconds. Default a minute and a half. */
  readonly backWithinMs?: number;
}

/** One a second for each message that may wait, and quick enough to catch up. */
const RATE = { 'uplink.rate': '1000' } as const;
const EVERY_MS = 250;
const BACK_MS = 90_000;
/** Until all messages have gone: after sessions that the hub has closed over messages, newleaf waits minutes before the next. */
const DRAINED_MS = 5 * PATIENCE_MS;
/** For one fault on a machine that is busy with others. */
const MOST_MS = 6 * PATIENCE_MS;

/** A scene to begin with. */
export async function scene(
  t: TestContext,
  { settings, runner = [], ...options }: GatewayOptions = {},
): Promise<Scene> {
  const unit = new Unit(t);
  const at = await serving(t, {
    ...options,
    settings: { ...RATE, ...settings },
    runner: [...runner, ...unit.runner],
  });
  unit.watch(at.gateway);
  const program = new Counting('sensors', await at.gateway.program('sensors'), { everyMs: EVERY_MS });
  t.after(() => program.stop());
  // A hub that has never taken a message may be one whose quota is used up.
  await at.far.log.waitFor({ event: 'telemetry' }, PATIENCE_MS);
  return { ...at, t, unit, program };
}

const placesOf = ({ far, gateway, unit }: Scene) => ({ far, gateway, line: unit.line });

/** Resolves when the gateway serves, and nothing is wrong any more. @returns how long that took, in seconds */
export async function wellAgain(at: Scene, withinMs = BACK_MS, began = performance.now()): Promise<number> {
  const isWell = async () => {
    const status = await at.gateway.status().catch(() => undefined);
    if (status === undefined) return 'it does not answer';
    const { phase, online, request, person } = status;
    // The gateway cannot see that a line is dead before it has asked.
    if (!at.far.isConnected(at.gateway.registrationId)) return 'the hub has no session';
    if (phase !== 'serving' || !online || request !== undefined || person) return `${phase}, online: ${online}`;
    return codeOf(placesOf(at));
  };
  const found = await seen(isWell, (one) => one === '', withinMs);
  assert.equal(found, '', `it is not well again after ${withinMs} ms\n${at.gateway.log.tail()}`);
  return (performance.now() - began) / 1000;
}

const countOf = ({ far, unit, gateway }: Scene): Required<Cost> => ({
  leaves: far.log.count({ event: 'issued' }),
  registrations: far.log.registrations(gateway.registrationId),
  restarts: unit.restarts,
});

/** Nothing, or what was spent beside the work; more than the fault may cost fails. */
function lostIn(before: Required<Cost>, now: Required<Cost>, { work, cost: most = {} }: Fault, twice: number): string {
  const words = { leaves: 'leaf', registrations: 'registration', restarts: 'restart' } as const;
  const parts = (Object.keys(words) as (keyof Cost)[]).flatMap((name) => {
    const spent = Math.max(0, now[name] - before[name] - (work?.[name] ?? 0));
    assert.ok(spent <= (most[name] ?? 0), `${spent} ${name}, and at most ${most[name] ?? 0} were expected`);
    return spent === 0 ? [] : [`${spent} ${spent === 1 ? words[name] : name}`];
  });
  if (twice > 0) parts.push(`${twice} ${twice === 1 ? 'message' : 'messages'} twice`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** Plays one fault to its end, asserts what is told meanwhile and what it costs, and records the row. The scene may go on. */
export async function play(t: TestContext, at: Scene, fault: Fault, test: string): Promise<void> {
  const { far, gateway, program } = at;
  const before = countOf(at);
  const twiceBefore = await twiceOf(at);
  const { noise, pid } = gateway;
  const keys = gateway.token.privateKeys();
  const lines = gateway.log.lines.length;
  await fault.begin(at);
  const told = await assertTold(placesOf(at), fault);
  const ends = performance.now();
  await fault.end(at);
  const recoverySeconds = await wellAgain(at, fault.backWithinMs, ends);
  await assertTold(placesOf(at), { exit: 0, session: 'open' });
  // The program goes on: what it is acknowledged from now on need not have arrived.
  const { name } = program;
  const acknowledged = [...program.acknowledged];
  await queues(gateway, name, (queued) => queued === 0, DRAINED_MS);
  const { twice } = await assertKept(far, gateway.registrationId, { name, acknowledged });
  const now = countOf(at);
  const lost = lostIn(before, now, fault, twice - twiceBefore);
  const said = gateway.log.lines.slice(lines);
  assert.deepEqual(
    said.filter(({ event, code }) => event === 'crashed' || code === 'NL-INTERNAL'),
    [],
  );
  if (gateway.pid === pid) assert.equal(gateway.noise, noise, 'one process says nothing beside its log');
  if (now.leaves === before.leaves) assert.deepEqual(gateway.token.privateKeys(), keys);
  const { group, by } = fault;
  t.diagnostic(`back after ${recoverySeconds.toFixed(1)} s; lost: ${lost}; ${JSON.stringify(told)}`);
  matrixRow({ group, fault: fault.fault, recoverySeconds, ...(by && { by }), lost, told }, test);
}

async function twiceOf({ far, gateway, program }: Scene): Promise<number> {
  const numbers = await arrivals(far, gateway.registrationId, program.name);
  return numbers.length - new Set(numbers).size;
}

/**
 * Declares a test for each fault. Faults that leave nothing behind share a gateway, one after the other: so the stage takes a
 * third of the time.
 * @param file of the tests
 */
export function matrix(what: string, faults: readonly Fault[], file: string, lanes = 3): void {
  suite(what, { concurrency: lanes }, () => {
    for (let lane = 0; lane < lanes; lane += 1) {
      const own = faults.filter((_, at) => at % lanes === lane);
      test(`lane ${lane + 1}`, { timeout: own.length * MOST_MS }, async (t) => {
        let shared: Scene | undefined;
        for (const fault of own) {
          await t.test(fault.fault, async (inner) => {
            const isShared = fault.options === undefined && !fault.isAlone;
            const at = isShared ? (shared ?? (await scene(t))) : await scene(inner, fault.options?.(inner));
            // After a failure nothing is known of it any more.
            shared = isShared ? undefined : shared;
            await play(inner, at, fault, file);
            if (isShared) shared = at;
          });
        }
      });
    }
  });
}
