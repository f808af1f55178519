import { Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { oldReport } from './archive.ts';
import { type Call, DAY_SECONDS, seconds } from './command.ts';
import { finish } from './conclude.ts';
import { at, type Desk, interruptible, quiet } from './desk.ts';
import { endOf } from './follow.ts';
import type { Hub } from './hub.ts';
import type { JobProgress } from './hub-answers.ts';
import { type JobResults, watchJob } from './job.ts';
import { NAME } from './name.ts';
import { lastAsked, type Newleaf, seenOf } from './newleaf.ts';
import { asked, LATER, notAsked, type Outcome } from './outcome.ts';
import { demandId, isLater, readId, requestOf } from './request.ts';
import { isDone, type Run, readRun } from './run.ts';
import { waveIn } from './waves/condition.ts';

/** What the hub knows of a request. */
interface Trace extends JobResults {
  /** None where the devices were called by their names. */
  readonly jobs: readonly JobProgress[];
}

/** For a look that waits for nothing. */
export const NOW = AbortSignal.abort();

/** Its jobs, or else the devices whose twin names it; undefined where there is neither. */
export async function traceOf(desk: Desk, hub: Hub, id: string, enough: AbortSignal): Promise<Trace | undefined> {
  const one = await hub.job(id);
  const jobs = one ? [one] : (await hub.jobs()).filter((job) => requestOf(job.id) === id);
  if (jobs.length === 0) {
    const outcomes = (await lastAsked(hub, id)).map(({ deviceId }) => asked(deviceId));
    return outcomes.length === 0 ? undefined : { outcomes, ended: true, jobs };
  }
  const results: JobResults[] = [];
  for (const job of jobs) results.push(await watchJob(desk, hub, { id: job.id, devices: [], enough }));
  // The last wave is for all that are left, by their condition: those of the waves before are called once more, and say so.
  const each = new Map<string, Outcome>();
  for (const one of results.flatMap(({ outcomes }) => outcomes)) {
    if (each.get(one.deviceId)?.result !== 'waiting') each.set(one.deviceId, one);
  }
  return {
    outcomes: [...each.values()],
    ended: results.every(({ ended }) => ended),
    jobs,
  };
}

/**
 * A request of before, as it is now: those that were asked may have ended meanwhile, and are not to be called again then.
 * @param given its ID, or the file of its report
 */
export async function earlierRun(call: Call, hub: Hub, given: string): Promise<Run> {
  const { desk } = call;
  const run = readId(given) === undefined ? await readRun(given) : await runOf(desk, hub, given);
  demandSameHub(hub, run);
  // Those of waves that have not begun are for --resume: all at once they are what waves are there to avoid.
  const begun = run.devices.filter(({ reason }) => reason !== LATER);
  return { ...run, devices: await outcomesNow(hub, run.id, begun) };
}

/** The same devices; of those that are not done, what their twins tell now. */
export async function outcomesNow(hub: Hub, id: string, devices: readonly Outcome[]): Promise<readonly Outcome[]> {
  const undone = devices.filter((one) => !isDone(one)).map(({ deviceId }) => deviceId);
  const seen = await seenOf(hub, undone);
  return devices.map((one) => (isDone(one) ? one : (endNow(one, id, seen.get(one.deviceId)?.newleaf) ?? one)));
}

/** How it ended: by this request, or by one like it that came later; undefined where it has not. */
function endNow({ deviceId }: Outcome, id: string, told: Newleaf | undefined): Outcome | undefined {
  const last = told?.last?.id ?? '';
  const isAgain = isLater(last, id) && readId(last)?.action === readId(id)?.action;
  return last === id || isAgain ? endOf(deviceId, last, told) : undefined;
}

async function runOf(desk: Desk, hub: Hub, id: string): Promise<Run> {
  const { action } = demandId(id);
  const trace = await traceOf(quiet(desk), hub, id, NOW);
  const file = await oldReport(desk.env, id);
  // Of devices that were called by their names, the report has those that have not begun, too.
  if (file !== undefined && !trace?.jobs.length) return readRun(file);
  if (trace === undefined) throw unknown(hub, id);
  const delaySeconds = trace.jobs[0]?.delaySeconds ?? 0;
  return { id, hub: hub.host, action, delaySeconds, at: at(desk), devices: trace.outcomes };
}

/**
 * `enroll reprovision --look ID [DEVICE…]`, `enroll show job ID [DEVICE…]`: the jobs of this ID, and the twins of its devices.
 * @param named the devices to look at; all of the request where there are none
 */
export async function look(call: Call, hub: Hub, id: string, named: readonly string[]): Promise<number> {
  const { desk } = call;
  const { action, by } = demandId(id);
  const waitMs = seconds(call, 'wait', 0, DAY_SECONDS) * 1_000;
  return interruptible(desk, async (enough) => {
    const trace = await traceOf(desk, hub, id, waitMs === 0 ? NOW : enough);
    const file = await oldReport(desk.env, id);
    const isJob = trace !== undefined && trace.jobs.length > 0;
    const written = isJob || file === undefined ? undefined : await readRun(file);
    if (trace === undefined && written === undefined && named.length === 0) throw unknown(hub, id);
    const { ended = true, jobs = [] } = trace ?? {};
    const known = new Map((isJob ? trace.outcomes : []).map((one) => [one.deviceId, one]));
    const why = `not called by this job${ended ? '' : ' yet'}`;
    const unknownYet = (deviceId: string): Outcome => (isJob ? notAsked(deviceId, why) : asked(deviceId));
    const all = written?.devices ?? trace?.outcomes ?? [];
    const wanted = named.length === 0 ? all : named.map((deviceId) => known.get(deviceId) ?? unknownYet(deviceId));
    const devices = await outcomesNow(hub, id, wanted);
    const [job] = jobs;
    const told = {
      id,
      hub: hub.host,
      action,
      ...(by !== undefined && { by }),
      ...(job && { condition: waveIn(job.condition)?.condition ?? job.condition }),
    };
    const run: Run = { ...told, delaySeconds: job?.delaySeconds ?? 0, at: at(desk), devices };
    const jobGoesOn = !ended && named.length === 0;
    return finish(call, hub, { run, waitMs, enough, jobGoesOn, isJob, file: named.length === 0 ? file : undefined });
  });
}

const unknown = (hub: Hub, id: string): Failed =>
  new Failed(`The hub ${hub.host} has no trace of ${id}: no job, and no twin names it as the last request.`, {
    advice: `Requests that it knows: ${NAME} list jobs. Called by name, with a later request since: ${NAME} reprovision --look ${id} DEVICE...`,
  });

/** Two fleets may have the same names. @throws Misuse */
function demandSameHub({ host }: Hub, { hub }: Run): void {
  if (hub === host) return;
  throw new Misuse(`This report is of the hub ${hub}, and --hub or NEWLEAF_HUB_CONNECTION leads to ${host}.`);
}
