import { printable, screenOf } from '../../agent/cli/kit/screen.ts';
import type { Call } from './command.ts';
import { Hub } from './hub.ts';
import type { JobProgress } from './hub-answers.ts';
import { list } from './list.ts';
import { look } from './look.ts';
import { type Action, demandId, minute, readId, requestOf } from './request.ts';
import { count, linesFor } from './screen.ts';
import { waveIn } from './waves/condition.ts';
import { planText } from './waves/plan.ts';

/** A request as `list jobs` tells it. Stable: `--json`. */
interface Asked {
  readonly id: string;
  readonly action: Action;
  /** The operator, where the ID names one. */
  readonly by?: string;
  /** When it was begun. ISO 8601. */
  readonly at: string;
  /** As the hub says it; by-name where there is no job. */
  readonly state: string;
  /** How many jobs of the hub it has. */
  readonly jobs: number;
  /** Of jobs: those that it is for. By name: those whose twin names it as their last request. */
  readonly devices: number;
  /** How many have taken the call, and how many not; only jobs tell. */
  readonly taken?: number;
  readonly failed?: number;
  readonly condition?: string;
  /** How it goes through them, where it does so in waves. */
  readonly waves?: string;
}

/** The requests of all operators, the newest first, from the hub and the twins alone: nothing of it is on this machine. */
async function askedOf(hub: Hub): Promise<Asked[]> {
  const jobs = new Map<string, JobProgress[]>();
  for (const job of await hub.jobs()) {
    const id = requestOf(job.id);
    if (id !== undefined) jobs.set(id, [...(jobs.get(id) ?? []), job]);
  }
  const named = (await hub.countBy('properties.reported.newleaf.last.id')).filter(
    ([id]) => readId(id) !== undefined && !jobs.has(id),
  );
  return [
    ...[...jobs].map(([id, own]) => asJobs(id, own)),
    ...named.map(([id, devices]) => ({ ...asIs(id), state: 'by-name', jobs: 0, devices })),
  ].toSorted((one, other) => (one.at < other.at ? 1 : -1));
}

function asIs(id: string): Pick<Asked, 'id' | 'action' | 'by' | 'at'> {
  const { action, by, at } = demandId(id);
  return { id, action, at: new Date(at).toISOString(), ...(by !== undefined && { by }) };
}

function asJobs(id: string, jobs: readonly JobProgress[]): Asked {
  const [first] = jobs;
  const waves = first && waveIn(first.condition);
  // A device may be in several waves.
  const most = waves?.plan.of ?? Number.POSITIVE_INFINITY;
  const sum = (of: (job: JobProgress) => number): number =>
    Math.min(
      most,
      jobs.reduce((all, job) => all + of(job), 0),
    );
  return {
    ...asIs(id),
    // Those that are not over decide.
    state:
      (jobs.find(({ ended }) => !ended) ?? jobs.find(({ status }) => status === 'cancelled') ?? first)?.status ?? '',
    jobs: jobs.length,
    devices: sum(({ total }) => total),
    taken: sum(({ succeeded }) => succeeded),
    failed: sum(({ failed }) => failed),
    ...(first && { condition: waves?.condition ?? first.condition }),
    ...(waves && { waves: planText(waves.plan) }),
  };
}

/** `enroll list jobs` */
export async function listJobs(call: Call): Promise<number> {
  const all = await askedOf(await Hub.open(call));
  return list(call, {
    what: 'job',
    counted: 'request',
    head: ['REQUEST', 'BY', 'BEGUN', 'ACTION', 'STATE', 'DEVICES', 'TAKEN', 'FAILED'],
    rows: all.map(({ id, by, at, action, state, devices, taken, failed }) => [
      id,
      by ?? '-',
      minute(Date.parse(at)),
      action,
      state,
      String(devices),
      String(taken ?? '-'),
      String(failed ?? '-'),
    ]),
    json: all,
  });
}

/** `enroll show job ID [DEVICE…]` */
export async function showJob(call: Call): Promise<number> {
  const { desk, options, positionals } = call;
  const [id = '', ...named] = positionals;
  demandId(id);
  const hub = await Hub.open(call);
  const found = (await askedOf(hub)).find((one) => one.id === id);
  if (found !== undefined && options.json !== true) {
    const { by = 'an operator', at, action, state, jobs, devices, taken, failed, condition, waves } = found;
    const calls =
      jobs === 0
        ? `Called by name. ${count(devices, 'device')} tell of it as their last request.`
        : `${count(jobs, 'job')} of the hub, ${state}: ${taken} of ${count(devices, 'device')} took the call, ${failed} did not.`;
    const met = condition === undefined ? '' : `Condition: ${printable(condition)}\n`;
    const plan = waves === undefined ? '' : `In ${waves}\n`;
    const head = `${id}: ${action}, begun by ${by}, ${minute(Date.parse(at))}.\n${met}${plan}${calls}\n`;
    desk.out.write(linesFor(screenOf(desk.out, desk.env), head));
  }
  return look(call, hub, id, named);
}
