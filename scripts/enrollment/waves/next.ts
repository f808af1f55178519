import { createHash } from 'node:crypto';
import { Failed } from '../../../agent/cli/kit/command.ts';
import type { Hub } from '../hub.ts';
import type { MethodCall } from '../hub-answers.ts';
import { brieflyWhere, type Seen } from '../newleaf.ts';
import { statusOf } from '../refusal.ts';
import type { Action } from '../request.ts';
import { conditionOf, fitting } from './condition.ts';
import type { Prepare } from './leaf-by-leaf.ts';
import { type Plan, sizeIn } from './plan.ts';
import type { View, Viewer } from './view.ts';

/** A request in waves. */
export interface Roll {
  readonly id: string;
  readonly action: Action;
  readonly condition: string;
  readonly plan: Plan;
  readonly file: string | undefined;
  readonly prepare: Prepare | undefined;
}

export const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const JOB_SECONDS = 3_600;

/** Those that are left, in the order in which they are called: the same one on every machine, over all sites. */
export async function pick(hub: Hub, condition: string, { called }: View): Promise<Seen[]> {
  const order = (id: string): string => createHash('sha256').update(id).digest('hex');
  const left = (await brieflyWhere(hub, condition)).filter(({ deviceId }) => !called.has(deviceId));
  // One that is away proves nothing.
  const key = ({ connected, deviceId }: Seen): string => `${connected ? 0 : 1}${order(deviceId)}`;
  return left
    .map((one) => [key(one), one] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, one]) => one);
}

/** Has the hub call the next devices of a wave: all that the condition of one job has room for. */
export async function callNext(
  hub: Hub,
  roll: Roll,
  viewer: Viewer,
  view: View,
  wave: number,
  enough: AbortSignal,
): Promise<void> {
  const { id, action, condition, plan, prepare } = roll;
  const size = plan.waves[wave] ?? 'rest';
  const left = await pick(hub, condition, view);
  const room = sizeIn(size, plan.of) - (view.given[wave] ?? 0);
  if (left.length === 0 || room <= 0) return viewer.exhausted(wave);
  viewer.remember(left);
  const wanted = left.slice(0, room).map(({ deviceId }) => deviceId);
  const chosen = size === 'rest' && prepare === undefined ? undefined : fitting({ condition, plan }, wanted);
  const unwell = chosen && prepare ? await prepare(chosen, enough) : [];
  if (unwell === undefined) return;
  viewer.leaveOut(wave, unwell);
  const out = new Set(unwell.map(({ deviceId }) => deviceId));
  const ids = chosen?.filter((deviceId) => !out.has(deviceId));
  if (ids?.length === 0) return;
  const method: MethodCall = {
    methodName: METHOD,
    // All waves have one ID: a device that is called twice does it once.
    payload: { action, id, delaySeconds: plan.delay },
    responseTimeoutInSeconds: ANSWER_SECONDS,
  };
  const jobId = `${id}-w${wave + 1}-${(view.parts[wave] ?? 0) + 1}`;
  const text = conditionOf({ condition, plan, ...(ids && { ids }) });
  await hub.schedule(jobId, text, method, JOB_SECONDS).catch((error: unknown) => {
    // Another operator goes on with the same request, and was first.
    if (!(error instanceof Failed) || statusOf(error.cause) !== 409) throw error;
  });
}
