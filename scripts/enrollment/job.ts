import * as v from 'valibot';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { type Desk, pauses } from './desk.ts';
import { type Called, calledOf } from './fleet.ts';
import type { Hub, JobProgress, MethodCall } from './hub.ts';
import { outlast } from './outlast.ts';

const JOB_SECONDS = 3_600;
/** Looks at the results of a job that has ended. */
const LOOKS = 5;

/** A row of `devices.jobs` (DeviceJob of the service SDKs). */
const DeviceJob = v.looseObject({
  deviceId: v.string(),
  outcome: v.nullish(
    v.looseObject({
      deviceMethodResponse: v.nullish(v.looseObject({ status: v.number(), payload: v.optional(v.unknown()) })),
    }),
  ),
  error: v.nullish(v.looseObject({ code: v.nullish(v.string()), description: v.nullish(v.string()) })),
});

export interface JobCall {
  /** Of the job, and of the request that it carries to each device. */
  readonly id: string;
  readonly method: MethodCall;
  readonly condition: string;
  /** Devices that met the condition a moment ago. */
  readonly devices: readonly string[];
}

/** The hub's own engine makes the calls: it knows the connected devices, and keeps within its quotas. */
export async function callByJob(desk: Desk, hub: Hub, { id, method, condition, devices }: JobCall): Promise<Called[]> {
  await hub.schedule(id, condition, method, JOB_SECONDS);
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'asked');
  const show = ({ succeeded, failed, total }: JobProgress, trouble?: string): void =>
    progress.show(succeeded + failed, total, trouble ?? (failed === 0 ? '' : `${failed} failed`));
  const pause = pauses(desk);
  let job: JobProgress = { ended: false, total: devices.length, succeeded: 0, failed: 0 };
  try {
    while (!job.ended) {
      job = await outlast(
        desk,
        () => hub.job(id),
        (trouble) => show(job, trouble),
      );
      show(job);
      if (!job.ended) await desk.sleep(pause.next().value);
    }
  } finally {
    progress.end();
  }
  const called = await outlast(
    desk,
    () => results(desk, hub, id, job.total),
    () => {},
  );
  const left = devices.filter((deviceId) => !called.some((one) => one.deviceId === deviceId));
  // Where the query still lags, they may have been asked: wait for them.
  const refused = called.length < job.total ? {} : { refused: 'the job did not come to it' };
  return [...called, ...left.map((deviceId) => ({ deviceId, ...refused }))];
}

/** The result of the job on each device. The query may lag behind the job, so it is repeated a few times. */
async function results(desk: Desk, hub: Hub, id: string, expected: number): Promise<Called[]> {
  const sql = `SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${id}'`;
  let rows = await hub.query(sql);
  for (let looks = 1; rows.length < expected && looks < LOOKS; looks += 1) {
    await desk.sleep(desk.pollMs);
    rows = await hub.query(sql);
  }
  return rows.map((row) => {
    const { deviceId, outcome, error } = v.parse(DeviceJob, row);
    const answer = outcome?.deviceMethodResponse;
    const why = error?.description ?? error?.code ?? 'the job gave no reason';
    return calledOf(deviceId, answer ? { status: answer.status, payload: answer.payload } : why);
  });
}
