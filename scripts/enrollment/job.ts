import * as v from 'valibot';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { type Desk, pauses } from './desk.ts';
import type { Hub } from './hub.ts';
import type { JobProgress } from './hub-answers.ts';
import { answered, asked, notAsked, type Outcome } from './outcome.ts';
import { outlast } from './outlast.ts';

/** Looks at the results of a job that has ended. */
const LOOKS = 5;

/** A row of `devices.jobs` (DeviceJob of the service SDKs). */
const DeviceJob = v.looseObject({
  deviceId: v.string(),
  status: v.optional(v.string()),
  outcome: v.nullish(
    v.looseObject({
      deviceMethodResponse: v.nullish(v.looseObject({ status: v.number(), payload: v.optional(v.unknown()) })),
    }),
  ),
  error: v.nullish(v.looseObject({ code: v.nullish(v.string()), description: v.nullish(v.string()) })),
});

/** States of a DeviceJob before its call. */
const UNCALLED = ['pending', 'scheduled'];
/** The enum of the service SDKs has the one spelling for devices, and the other for jobs. */
const CANCELLED = /^cancell?ed$/;
export const WAS_CANCELLED = 'the job was cancelled before';
const NOT_YET = 'the job has not come to it yet';

export interface Watched {
  readonly id: string;
  /** Devices that met the condition when the job was made. */
  readonly devices: readonly string[];
  /** Aborted by Ctrl-C: the job goes on without us. */
  readonly enough: AbortSignal;
}

export interface JobResults {
  readonly outcomes: readonly Outcome[];
  readonly ended: boolean;
}

/** Watches the hub's own engine make the calls, to the end of the job. */
export async function watchJob(desk: Desk, hub: Hub, { id, devices, enough }: Watched): Promise<JobResults> {
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'asked');
  const show = ({ succeeded, failed, total }: JobProgress, trouble?: string): void =>
    progress.show(succeeded + failed, total, trouble ?? (failed === 0 ? '' : `${failed} failed`));
  const pause = pauses(desk);
  let job: JobProgress = {
    id,
    status: 'queued',
    condition: '',
    ended: false,
    total: devices.length,
    succeeded: 0,
    failed: 0,
    delaySeconds: 0,
  };
  try {
    for (;;) {
      const look = () => hub.job(id);
      job = (await outlast(desk, look, (trouble) => show(job, trouble), enough)) ?? job;
      show(job);
      if (job.ended || enough.aborted) break;
      await desk.sleep(pause.next().value, enough);
    }
  } finally {
    progress.end();
  }
  const called = await outlast(
    desk,
    () => jobResults(desk, hub, job, enough.aborted ? 0 : job.total),
    () => {},
    enough,
  );
  const known = new Set(called.map(({ deviceId }) => deviceId));
  const left = devices.filter((deviceId) => !known.has(deviceId));
  // Where the query still lags, they may have been asked: wait for them.
  const rest = (deviceId: string): Outcome => {
    if (!job.ended) return asked(deviceId, NOT_YET);
    if (isCancelled(job)) return notAsked(deviceId, WAS_CANCELLED);
    return called.length < job.total ? asked(deviceId) : notAsked(deviceId, 'the job did not come to it');
  };
  return { outcomes: [...called, ...left.map(rest)], ended: job.ended };
}

/** The same; the query may lag behind the job, so it is repeated a few times. */
async function jobResults(desk: Desk, hub: Hub, job: JobProgress, expected: number): Promise<Outcome[]> {
  let outcomes = await jobOutcomes(hub, job);
  for (let looks = 1; outcomes.length < expected && looks < LOOKS; looks += 1) {
    await desk.sleep(desk.pollMs);
    outcomes = await jobOutcomes(hub, job);
  }
  return outcomes;
}

export const isCancelled = ({ status }: JobProgress): boolean => CANCELLED.test(status);

/** The result of the job on each device, as far as a query knows it. */
export function jobOutcomes(hub: Hub, job: JobProgress): Promise<Outcome[]> {
  return hub.query(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${job.id}'`, (row) => {
    const { deviceId, status = '', outcome, error } = v.parse(DeviceJob, row);
    const answer = outcome?.deviceMethodResponse;
    if (answer) return answered(deviceId, { status: answer.status, payload: answer.payload });
    const isUncalled = UNCALLED.includes(status) && isCancelled(job);
    if (isUncalled || CANCELLED.test(status)) return notAsked(deviceId, WAS_CANCELLED);
    if (status === 'running' && !error) return asked(deviceId, 'being called');
    if (UNCALLED.includes(status) && !error) return asked(deviceId, NOT_YET);
    return notAsked(deviceId, `${error?.code ?? ''} ${error?.description ?? ''}`.trim() || 'the job gave no reason');
  });
}
