import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { askSocket } from '../../agent/control/client.ts';
import type { Status } from '../../agent/roll/report.ts';
import { WORK } from '../../hsm/job.ts';
import type { Call, FaultyToken } from '../contract/faulty/faulty.ts';
import { servingFaulty } from '../e2e/stage/faulty-site.ts';
import { cut, PATIENCE_MS, type Serving } from '../e2e/stage/site.ts';
import { Unit } from '../matrix/unit.ts';
import type { Entry } from '../simulator/log.ts';

/** A call that hangs once. */
export interface Hang {
  readonly tls: 'engine' | 'helper';
  readonly call: Call;
  /** Of all calls since the roll was asked for. */
  readonly n: number;
  readonly ms: number;
}

/** What a hang has cost, in seconds. */
export interface Cost {
  /** The process that hung, and whether on its main thread; undefined where the roll made fewer calls. */
  readonly who: string | undefined;
  /** Longest time without a session. */
  readonly offline: number;
  /** Longest time without an answer of `status`, where no watchdog has ended it. */
  readonly silent: number;
  /** How often the watchdog has ended the daemon, and how often it was started. */
  readonly hangs: number;
  readonly restarts: number;
  /** From the begin of the hang until all is well. */
  readonly well: number;
  /** What asked for the roll that went through. */
  readonly by: 'itself' | 'roll --wait';
  readonly breaches: readonly string[];
}

export const FOR_EVER_MS = 1e9;
/** WatchdogSec= of the unit. */
const WATCHDOG_MS = 180_000;
/** How long it is watched after a hang has begun that no retry waits for. */
const WATCHED_MS = 90_000;
/** A job has five minutes to make a key; then comes the pause of the ladder. */
const WELL_MS = 8 * 60_000;
const OFFLINE_SECONDS = 60;
/** Ten for the daemon, and two for a machine that is busy. */
const SILENT_SECONDS = 12;

const secondsSince = (from: number): number => (performance.now() - from) / 1_000;

export interface Hangable extends Serving {
  readonly hsm: FaultyToken;
  readonly unit: Unit;
}

/** A gateway that serves under the watchdog of its unit, with a module around its token that hangs where it is told to. */
export async function hangable(t: TestContext, tls: Hang['tls']): Promise<Hangable> {
  const unit = new Unit(t, WATCHDOG_MS);
  const settings = { 'hsm.tls': JSON.stringify(tls) };
  const at = await servingFaulty(t, { settings, runner: unit.runner });
  unit.watch(at.gateway);
  return { ...at, unit };
}

/** The last roll is over, too. A job lives on for two seconds, and the next roll would have its session. With stunnel, the session is a child as well. */
async function alone({ gateway }: Hangable): Promise<void> {
  const { leaf } = await gateway.status();
  await gateway.log.waitFor({ event: 'certificate-stored', thumbprint: leaf?.thumbprint }, { timeoutMs: WELL_MS });
  const { pid } = gateway;
  const isJob = (child: string) => commandOf(child).includes(WORK);
  while (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).some(isJob))
    await pause(100);
}

/** The words of its command line; none where it has ended. */
function commandOf(pid: number | string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** A call of a roll. */
export interface Step extends Pick<Hang, 'call' | 'n'> {
  /** The phase in which the daemon itself calls; undefined in another process. */
  readonly phase: string | undefined;
}

/** The calls of a roll: from the request until the old key is gone and the leaf is stored. */
export async function stepsOf(at: Hangable): Promise<readonly Step[]> {
  const { gateway, hsm } = at;
  await alone(at);
  hsm.heal();
  const since = gateway.log.lines.length;
  await gateway.post('/v1/roll');
  await gateway.log.waitFor({ event: 'certificate-stored' }, { since });
  const changes = gateway.log.lines.slice(since).filter(({ event }) => event === 'transition');
  const phaseAt = (ms: number) =>
    String(changes.findLast(({ time }) => Date.parse(String(time)) <= ms)?.to ?? 'serving');
  const counts = new Map<Call, number>();
  return hsm.called().map(({ call, pid, at: ms }) => {
    const n = (counts.get(call) ?? 0) + 1;
    counts.set(call, n);
    return { call, n, phase: pid === gateway.pid ? phaseAt(ms) : undefined };
  });
}

const isWell = (status: Status): boolean =>
  status.phase === 'serving' &&
  status.online &&
  status.request === undefined &&
  status.next === undefined &&
  status.wrong.length === 0;

/** Asks for the status all the time. */
class Asking {
  #isOver = false;
  #answeredAt = performance.now();
  readonly #at: Hangable;
  last: Status | undefined;
  silent = 0;

  constructor(at: Hangable) {
    this.#at = at;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    let { hangs } = this.#at.unit;
    while (!this.#isOver) {
      const asked = askSocket(this.#at.gateway.socket, 'GET', '/v1/status', undefined, 10_000);
      const { body } = await asked.catch(() => ({ body: undefined }));
      this.last = body as Status | undefined;
      if (this.last !== undefined) {
        if (hangs === this.#at.unit.hangs) this.silent = Math.max(this.silent, secondsSince(this.#answeredAt));
        ({ hangs } = this.#at.unit);
        this.#answeredAt = performance.now();
      }
      await pause(500);
    }
  }

  async until(isSo: (status: Status) => boolean, withinMs: number): Promise<boolean> {
    const from = performance.now();
    while (performance.now() - from < withinMs) {
      if (this.last !== undefined && isSo(this.last)) return true;
      await pause(100);
    }
    return false;
  }

  end(): void {
    this.#isOver = true;
  }
}

/** Longest time without any session, in seconds, among what hubs have seen. */
function offlineIn(entries: readonly Entry[], since: number): number {
  const open = new Set<number | undefined>();
  let longest = 0;
  let from: number | undefined;
  for (const [index, { event, connection, at }] of entries.entries()) {
    if (event === 'connected') open.add(connection);
    if (event === 'disconnected') open.delete(connection);
    if (index < since) continue;
    if (open.size > 0 && from !== undefined) longest = Math.max(longest, at - from);
    from = open.size > 0 ? undefined : (from ?? at);
  }
  return (from === undefined ? longest : Math.max(longest, Date.now() - from)) / 1_000;
}

/** The process, by its command line: the daemon, a job by its name, stunnel. */
function nameOf({ gateway, hsm }: Hangable): string | undefined {
  const hung = hsm.hung();
  if (hung === undefined) return undefined;
  const thread = hung.isMainThread ? '' : ', another thread';
  const to = gateway.log.matching({ event: 'transition' }).at(-1)?.to;
  if (hung.pid === gateway.pid) return `daemon${thread}, ${to}`;
  const words = commandOf(hung.pid);
  if (words.length === 0) return 'a process that has ended';
  return `${words.some((one) => one.includes('stunnel')) ? 'stunnel' : `job ${words.at(-2)}`}${thread}`;
}

/** Plays a roll in which one call hangs, and says what that has cost. The hub ends the session in a long one. */
export async function play(at: Hangable, { call, n, ms }: Hang): Promise<Cost> {
  const { far, gateway, hsm, unit } = at;
  await alone(at);
  const { hangs, restarts } = unit;
  const before = (await gateway.status()).last?.id;
  const id = `${call}-${n}`;
  const since = far.log.entries.length;
  const lines = gateway.log.lines.length;
  hsm.heal();
  hsm.hang(call, n, ms);
  const asking = new Asking(at);
  await gateway.post('/v1/roll', { id });
  let who: string | undefined;
  // The last thing of a roll.
  const isOver = () => gateway.log.lines.slice(lines).some(({ event }) => event === 'certificate-stored');
  await asking.until(() => {
    who ??= nameOf(at);
    return who !== undefined || isOver();
  }, PATIENCE_MS);
  const begun = performance.now();
  if (who !== undefined && ms > WATCHED_MS / 2) {
    await pause(1_000);
    await cut(far);
    await pause(WATCHED_MS - 1_000);
  } else if (who !== undefined) await pause(ms);
  if (ms === FOR_EVER_MS) hsm.heal();
  const breaches: string[] = [];
  let by: Cost['by'] = 'itself';
  const isDone = (status: Status) => isWell(status) && status.last?.outcome === 'done' && status.last.id !== before;
  if (!(await asking.until(isDone, WELL_MS))) {
    by = 'roll --wait';
    const { code, out, err } = await gateway.command('roll', '--wait');
    if (code !== 0) breaches.push(`roll --wait: ${code} ${out}${err}`);
    if (!(await asking.until(isDone, PATIENCE_MS))) breaches.push(`not well: ${JSON.stringify(asking.last?.wrong)}`);
  }
  const well = secondsSince(begun);
  asking.end();
  const { silent } = asking;
  const offline = offlineIn(far.log.entries, since);
  hsm.heal();
  const keys = gateway.token.privateKeys();
  if (keys.length !== 1) breaches.push(`keys: ${keys}`);
  if (offline > OFFLINE_SECONDS) breaches.push(`offline for ${Math.round(offline)} s`);
  if (silent > SILENT_SECONDS) breaches.push(`no answer for ${Math.round(silent)} s`);
  if (breaches.length > 0) breaches.push(gateway.log.tail());
  return { who, offline, silent, hangs: unit.hangs - hangs, restarts: unit.restarts - restarts, well, by, breaches };
}
