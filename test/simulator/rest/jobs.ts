import * as v from 'valibot';
import type { Hub } from '../hub.ts';
import { MethodError } from '../methods.ts';
import type { Registry } from '../registry.ts';
import { condition } from './condition.ts';
import { RestRefusal } from './route.ts';
import { patchTwin, TwinPatch } from './twin-patch.ts';

const seconds = (fallback: number, least: number, most: number) =>
  v.pipe(
    v.nullish(v.number(), fallback),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

/** The limits are those of iot-hub-devguide-direct-methods. */
export const MethodBody = v.looseObject({
  methodName: v.string(),
  payload: v.optional(v.unknown()),
  responseTimeoutInSeconds: seconds(30, 5, 300),
  connectTimeoutInSeconds: seconds(0, 0, 300),
});

export const JobBody = v.looseObject({
  type: v.picklist(['scheduleDeviceMethod', 'scheduleUpdateTwin']),
  cloudToDeviceMethod: v.optional(MethodBody),
  updateTwin: v.optional(TwinPatch),
  queryCondition: v.optional(v.string(), ''),
  startTime: v.nullish(v.string()),
  maxExecutionTimeInSeconds: v.nullish(v.number()),
});
type JobBody = v.InferOutput<typeof JobBody>;

/** DeviceJobStatus and the rest of `SELECT * FROM devices.jobs`, as the service SDK for C# has them (DeviceJob.cs). */
interface DeviceJob {
  readonly deviceId: string;
  readonly jobId: string;
  readonly jobType: JobBody['type'];
  status: 'pending' | 'running' | 'completed' | 'failed' | 'canceled';
  readonly createdDateTimeUtc: string;
  lastUpdatedDateTimeUtc: string;
  startTimeUtc?: string;
  endTimeUtc?: string;
  outcome?: object;
  error?: { readonly code: string; readonly description: string };
}

interface Job {
  readonly jobId: string;
  readonly body: JobBody;
  readonly createdTime: string;
  readonly startTime: string;
  status: 'scheduled' | 'running' | 'completed' | 'cancelled';
  endTime?: string;
  rows: DeviceJob[];
}

type JobResponse = Readonly<Record<string, unknown>> & { readonly type: string; readonly status: string };

export interface JobsOptions {
  /** The twins that a condition is held against. */
  readonly devices: () => readonly object[];
  readonly registry: Registry;
  readonly hub: Hub;
  readonly ended: (jobId: string, how: string) => void;
}

/** Devices that one job works on at the same time. */
const AT_ONCE = 10;
const HOUR = 3_600;

const nowUtc = (): string => new Date().toISOString();

/** Jobs of one hub, on the live connections of its devices (iot-hub-devguide-jobs). */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  schedule(jobId: string, body: JobBody): object {
    if (this.#jobs.has(jobId)) {
      throw new RestRefusal(409004, 'JobAlreadyExists', `A job with ID '${jobId}' exists already.`);
    }
    if (body.type === 'scheduleDeviceMethod' ? !body.cloudToDeviceMethod : !body.updateTwin) {
      throw new RestRefusal(400004, 'ArgumentInvalid', `${body.type} without what to do`);
    }
    condition(body.queryCondition);
    const startTime = body.startTime ?? nowUtc();
    const job: Job = { jobId, body, createdTime: nowUtc(), startTime, status: 'scheduled', rows: [] };
    this.#jobs.set(jobId, job);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#run(job);
      },
      Math.max(0, Date.parse(startTime) - Date.now()),
    );
    this.#timers.add(timer);
    // Microsoft's own tests demand the word, for a job of the next hour, too (e2etests/test/job_client.js).
    return { ...told(job), status: 'queued' };
  }

  get(jobId: string): object {
    return told(this.#find(jobId));
  }

  list(): JobResponse[] {
    return [...this.#jobs.values()].map(told);
  }

  /** What `devices.jobs` holds. */
  rows(): DeviceJob[] {
    return [...this.#jobs.values()].flatMap(({ rows }) => rows);
  }

  /** Devices that it has begun with are finished. */
  cancel(jobId: string): object {
    const job = this.#find(jobId);
    if (job.status === 'completed') throw new RestRefusal(400004, 'ArgumentInvalid', `The job '${jobId}' has ended.`);
    job.status = 'cancelled';
    return told(job);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #find(jobId: string): Job {
    const job = this.#jobs.get(jobId);
    if (job === undefined) throw new RestRefusal(404002, 'JobNotFound', `There is no job '${jobId}'.`);
    return job;
  }

  async #run(job: Job): Promise<void> {
    if (job.status === 'cancelled') return;
    const { jobId, body } = job;
    const deadline = Date.now() + (body.maxExecutionTimeInSeconds ?? HOUR) * 1_000;
    const Named = v.looseObject({ deviceId: v.string() });
    job.status = 'running';
    job.rows = this.#options
      .devices()
      .filter(condition(body.queryCondition))
      .map((twin) => {
        const created = nowUtc();
        const { deviceId } = v.parse(Named, twin);
        return {
          deviceId,
          jobId,
          jobType: body.type,
          status: 'pending',
          createdDateTimeUtc: created,
          lastUpdatedDateTimeUtc: created,
        };
      });
    const waiting = [...job.rows];
    const work = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
        if (job.status === 'cancelled') {
          end(row, { status: 'canceled' });
        } else if (Date.now() > deadline) {
          end(row, { status: 'failed', error: { code: 'JobRunTimedOut', description: 'The job ran out of time.' } });
        } else {
          await this.#execute(row, body);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    finish(job);
    this.#options.ended(jobId, job.status);
  }

  async #execute(row: DeviceJob, { cloudToDeviceMethod: method, updateTwin }: JobBody): Promise<void> {
    Object.assign(row, { status: 'running', startTimeUtc: nowUtc() });
    const { registry, hub } = this.#options;
    try {
      if (updateTwin) patchTwin(registry, row.deviceId, updateTwin);
      if (method) {
        const { methodName, payload, responseTimeoutInSeconds } = method;
        const answer = await hub.callMethod(row.deviceId, methodName, payload, responseTimeoutInSeconds * 1_000);
        end(row, { status: 'completed', outcome: { deviceMethodResponse: answer } });
      } else {
        end(row, { status: 'completed' });
      }
    } catch (error) {
      const code = error instanceof MethodError ? String(error.errorCode) : 'JobFailed';
      end(row, {
        status: 'failed',
        error: { code, description: error instanceof Error ? error.message : String(error) },
      });
    }
  }
}

function end(row: DeviceJob, how: Pick<DeviceJob, 'status'> & Partial<Pick<DeviceJob, 'outcome' | 'error'>>): void {
  const now = nowUtc();
  Object.assign(row, how, { endTimeUtc: now, lastUpdatedDateTimeUtc: now });
}

function finish(job: Job): void {
  job.endTime = nowUtc();
  if (job.status !== 'cancelled') job.status = 'completed';
}

/** JobResponse. */
function told(job: Job): JobResponse {
  const { jobId, body, createdTime, startTime, endTime, status, rows } = job;
  const count = (...wanted: DeviceJob['status'][]): number => rows.filter((row) => wanted.includes(row.status)).length;
  const { type, queryCondition, cloudToDeviceMethod, updateTwin, maxExecutionTimeInSeconds = HOUR } = body;
  return {
    jobId,
    queryCondition,
    createdTime,
    startTime,
    ...(endTime !== undefined && { endTime }),
    maxExecutionTimeInSeconds,
    type,
    ...(cloudToDeviceMethod && { cloudToDeviceMethod }),
    ...(updateTwin && { updateTwin }),
    status,
    deviceJobStatistics: {
      deviceCount: rows.length,
      failedCount: count('failed', 'canceled'),
      succeededCount: count('completed'),
      runningCount: count('running'),
      pendingCount: count('pending'),
    },
  };
}
