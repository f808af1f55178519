import type iothub from 'azure-iothub';
import type { Status } from './enrollment.ts';

export interface MethodAnswer {
  readonly status: number;
  readonly payload: unknown;
}

/** An identity in the registry of the hub. */
export interface Identity {
  readonly deviceId: string;
  readonly status: Status;
  readonly connected: boolean;
  readonly primary: string | undefined;
  readonly secondary: string | undefined;
  /** Any leaf of a CA that the hub trusts opens it: it holds no thumbprint. */
  readonly byCa: boolean;
}

export interface Twin {
  readonly connected: boolean;
  readonly reported: unknown;
  /** The operator's own: conditions such as `tags.site = 'north'` find the device by them. */
  readonly tags: object;
}

/** How far a job is. */
export interface JobProgress {
  readonly id: string;
  /** As the hub says it: completed, running … */
  readonly status: string;
  readonly condition: string;
  readonly ended: boolean;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Milliseconds; undefined while it runs. */
  readonly endedAt?: number;
  /** Within which each device begins. */
  readonly delaySeconds: number;
}

export interface MethodCall {
  readonly methodName: string;
  readonly payload: object;
  readonly responseTimeoutInSeconds: number;
}

/** A row of a query, as it comes. */
export type Row = Readonly<Record<string, unknown>>;

export type Job = Awaited<ReturnType<iothub.JobClient['getJob']>>['jobStatus'];

const ENDED = ['completed', 'finished', 'failed', 'cancelled'];

export const isConnected = (state: string | undefined): boolean => state?.toLowerCase() === 'connected';

export function progressOf(job: Job): JobProgress {
  const { endTime } = job as { readonly endTime?: string };
  const { jobId, status, queryCondition = '', deviceJobStatistics = {}, cloudToDeviceMethod } = job;
  const { deviceCount = 0, succeededCount = 0, failedCount = 0 } = deviceJobStatistics;
  const { delaySeconds = 0 } = (cloudToDeviceMethod?.payload ?? {}) as { readonly delaySeconds?: number };
  return {
    id: jobId,
    status,
    condition: queryCondition,
    ended: ENDED.includes(status),
    ...(endTime !== undefined && { endedAt: Date.parse(endTime) }),
    total: deviceCount,
    succeeded: succeededCount,
    failed: failedCount,
    delaySeconds,
  };
}

export function identityOf({ deviceId, status, connectionState, authentication }: iothub.Device): Identity {
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  return {
    deviceId,
    status: status ?? 'enabled',
    connected: isConnected(connectionState),
    primary: primaryThumbprint || undefined,
    secondary: secondaryThumbprint || undefined,
    // The type of azure-iothub 1.16.6 (device.d.ts) leaves it out.
    byCa: (authentication as { readonly type?: string } | undefined)?.type === 'certificateAuthority',
  };
}
