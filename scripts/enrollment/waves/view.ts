import { endOf } from '../follow.ts';
import type { Hub } from '../hub.ts';
import type { JobProgress } from '../hub-answers.ts';
import { isCancelled, jobOutcomes } from '../job.ts';
import { lastAsked, type Seen, seenOf } from '../newleaf.ts';
import type { Outcome } from '../outcome.ts';
import { demandId, requestOf } from '../request.ts';
import { isMark, type Wave, waveIn } from './condition.ts';
import type { Begun, Gateway } from './judge.ts';
import { type Plan, sizeIn } from './plan.ts';

/** A job of a wave. */
interface WaveJob extends JobProgress, Wave {
  /** From 0. */
  readonly wave: number;
}

export interface View {
  readonly begun: readonly Begun[];
  /** Jobs so far, of each wave. */
  readonly parts: readonly number[];
  /** How many devices each wave has been given so far. */
  readonly given: readonly number[];
  /** Devices that need no further call. */
  readonly called: ReadonlySet<string>;
  /** Jobs that have not ended. */
  readonly running: readonly string[];
}

/** Reads how a request in waves stands, from the hub alone. */
export class Viewer {
  readonly #hub: Hub;
  readonly #id: string;
  /** Results of jobs that have ended do not change. */
  readonly #known = new Map<string, readonly Outcome[]>();
  /** Waves for which no device is left. */
  readonly #whole = new Set<number>();
  /** Devices that a wave leaves out, as their enrollments could not be edited: a process that goes on tries these again. */
  readonly #left = new Map<string, { readonly wave: number; readonly gateway: Gateway }>();
  /** Jobs that were ended before this process has looked. */
  #endsBefore: Set<string> | undefined;
  /** A person has ended the request since. */
  isEnded = false;
  /** Leaves before the request, where this process has seen them. */
  readonly #before = new Map<string, string>();

  constructor(hub: Hub, id: string) {
    this.#hub = hub;
    this.#id = id;
  }

  /** No device is left for it. */
  exhausted(wave: number): void {
    this.#whole.add(wave);
  }

  /** @param devices that are about to be called. One that another operator has had called has its new leaf already. */
  remember(devices: readonly Seen[]): void {
    for (const { deviceId, newleaf } of devices) {
      if (newleaf?.leaf && newleaf.last?.id !== this.#id) this.#before.set(deviceId, newleaf.leaf.thumbprint);
    }
  }

  /** Of a device that has done the request. */
  isOnOldLeaf({ deviceId, newleaf }: Seen): boolean {
    const leaf = newleaf?.leaf?.thumbprint;
    return demandId(this.#id).action === 'roll' && leaf !== undefined && leaf === this.#before.get(deviceId);
  }

  leaveOut(wave: number, gateways: readonly Gateway[]): void {
    for (const gateway of gateways) this.#left.set(gateway.deviceId, { wave, gateway });
  }

  async jobs(): Promise<WaveJob[]> {
    const own = (await this.#hub.jobs()).filter(({ id }) => requestOf(id) === this.#id);
    const ends = own.filter((job) => isMark(job) || isCancelled(job)).map(({ id }) => id);
    this.#endsBefore ??= new Set(ends);
    this.isEnded = ends.some((id) => !this.#endsBefore?.has(id));
    return own
      .filter((job) => !isMark(job))
      .flatMap((job) => {
        const [wave, [, number] = []] = [waveIn(job.condition), /-w(\d+)/.exec(job.id) ?? []];
        return wave && number !== undefined ? [{ ...job, ...wave, wave: Number(number) - 1 }] : [];
      })
      .toSorted((one, other) => one.wave - other.wave);
  }

  async view(plan: Plan, now: number): Promise<View> {
    const jobs = await this.jobs();
    const results = new Map<WaveJob, readonly Outcome[]>();
    for (const job of jobs) results.set(job, await this.#resultsOf(job));
    const isOver = jobs.every(({ ended }) => ended);
    const seen = await this.#twins([...results.values()].flat(), isOver);
    const left = [...this.#left.values()];
    const count = Math.max(
      0,
      ...[...jobs.map(({ wave }) => wave), ...this.#whole, ...left.map(({ wave }) => wave)].map((wave) => wave + 1),
    );
    const called = new Set<string>();
    const waves = Array.from({ length: count }, (_, wave) => {
      const own = jobs.filter((job) => job.wave === wave);
      const outcomes = new Map<string, Outcome>();
      for (const job of own) {
        for (const one of results.get(job) ?? []) if (!called.has(one.deviceId)) outcomes.set(one.deviceId, one);
        // A query may not have the results of a job that has just begun.
        if (!isCancelled(job)) for (const id of job.ids ?? []) if (!outcomes.has(id)) called.add(id);
      }
      const out = left.flatMap((one) => (one.wave === wave ? [one.gateway] : []));
      const gateways = [
        ...[...outcomes.values()].map((one) => this.#gateway(one, seen.get(one.deviceId), plan, now)),
        ...out,
      ];
      for (const { deviceId, state } of gateways) if (state !== 'not-asked') called.add(deviceId);
      const given = out.length + own.flatMap((job) => (isCancelled(job) ? [] : (job.ids ?? []))).length;
      const size = plan.waves[wave] ?? 'rest';
      const isForAll = own.some((job) => !isCancelled(job) && job.ids === undefined);
      const isGiven = isForAll || given >= sizeIn(size, plan.of);
      const ends = own.map(({ ended, endedAt }) => (ended ? (endedAt ?? now) : undefined));
      const endedAt = ends.includes(undefined) ? undefined : Math.max(0, ...ends.map((end) => end ?? 0));
      return { begun: { isWhole: isGiven || this.#whole.has(wave), endedAt, gateways }, parts: own.length, given };
    });
    return {
      begun: waves.map(({ begun }) => begun),
      parts: waves.map(({ parts }) => parts),
      given: waves.map(({ given }) => given),
      called,
      running: jobs.filter(({ ended }) => !ended).map(({ id }) => id),
    };
  }

  async #resultsOf(job: WaveJob): Promise<readonly Outcome[]> {
    const known = this.#known.get(job.id);
    if (known !== undefined) return known;
    const outcomes = await jobOutcomes(this.#hub, job);
    const isFinal =
      job.ended && outcomes.length >= job.total && outcomes.every(({ reason }) => reason !== 'being called');
    if (isFinal) this.#known.set(job.id, outcomes);
    return outcomes;
  }

  /** @param isOver no job runs: those whose twin does not name the request may have had another one since */
  async #twins(outcomes: readonly Outcome[], isOver: boolean): Promise<Map<string, Seen>> {
    const own = await lastAsked(this.#hub, this.#id);
    const seen = new Map(own.map((one) => [one.deviceId, one]));
    const missing = outcomes.filter(({ deviceId, result }) => result === 'waiting' && !seen.has(deviceId));
    if (!isOver) return seen;
    const others = await seenOf(
      this.#hub,
      missing.map(({ deviceId }) => deviceId),
    );
    return new Map([...seen, ...others]);
  }

  #gateway(outcome: Outcome, seen: Seen | undefined, plan: Plan, now: number): Gateway {
    const { deviceId, result, reason, code } = outcome;
    const told = { deviceId, ...(reason !== undefined && { reason }), ...(code !== undefined && { code }) };
    if (result === 'not-asked') return { ...told, state: result };
    const last = seen?.newleaf?.last;
    const at = Date.parse(last?.at ?? '');
    const began = demandId(this.#id).at;
    const isOwn = last?.id === this.#id;
    // A later request that has ended tells how the gateway is now: a person has cured it, or newleaf has.
    if (last?.id == null || (!isOwn && !(at >= began))) {
      const why = seen === undefined || seen.connected ? 'asked, and not back yet' : 'not connected';
      return { deviceId, state: 'waiting', reason: why };
    }
    const end = endOf(deviceId, last.id, seen?.newleaf);
    if (end?.result !== 'done') return { ...end, deviceId, state: 'otherwise' };
    if (seen && this.isOnOldLeaf(seen))
      return { deviceId, state: 'otherwise', reason: 'done, and still on its old leaf' };
    const since = Number.isNaN(at) ? began : at;
    if (!seen?.connected) return { deviceId, state: 'back', at: since, reason: 'done, and not connected any more' };
    const isHeld = now - since >= plan.hold * 1_000;
    return { deviceId, state: isHeld ? 'proven' : 'back', at: since };
  }
}
