import * as v from 'valibot';
import { atOnce } from './at-once.ts';
import type { Call, OptionSpec } from './command.ts';
import { agreed, type Desk, Failed, Misuse, pauses } from './desk.ts';
import { type Called, calledOf, follow } from './fleet.ts';
import { Hub, type JobProgress, type MethodCall } from './hub.ts';
import { Progress } from './progress.ts';
import { safe } from './screen.ts';
import { allBack, report } from './tally.ts';

export const REPROVISION_OPTIONS = {
  job: {
    type: 'string',
    value: 'CONDITION',
    meaning: 'Every device that the WHERE clause holds for, by a job of the hub: "tags.site = \'north\'", or "*".',
  },
  action: {
    type: 'string',
    value: 'ACTION',
    meaning: 'register (default): register the leaf again. roll: turn over a new leaf.',
  },
  delay: {
    type: 'string',
    value: 'SECONDS',
    meaning: 'Each device begins at a random moment within this time. Default 0; a fleet should have some.',
  },
  wait: {
    type: 'string',
    value: 'SECONDS',
    meaning: 'How long they may take to come back, after the delay. Default 300; 0 does not wait.',
  },
} as const satisfies Record<string, OptionSpec>;

const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const DAY_SECONDS = 86_400;
const WAIT_SECONDS = 300;
const JOB_SECONDS = 3_600;
/** Direct calls at the same time. */
const AT_ONCE = 4;
const SHOWN_NAMES = 5;
/** At the results of a job that has ended. */
const LOOKS = 5;

interface Plan {
  readonly id: string;
  readonly method: MethodCall;
  readonly waitMs: number;
}

/** `enroll reprovision DEVICE… | --job CONDITION`: the device registers again, or turns over a new leaf. */
export async function reprovision(call: Call): Promise<number> {
  const { desk, operands, options, manner } = call;
  const condition = options.text('job');
  if ((condition === undefined) === (operands.length === 0) || condition?.trim() === '') {
    throw new Misuse('Which devices? Their names, or --job CONDITION.');
  }
  const plan = planOf(call);
  const hub = await Hub.open(desk, options.text('hub'));
  const devices = condition === undefined ? operands : await matching(hub, condition);
  const { action } = v.parse(v.looseObject({ action: v.string() }), plan.method.payload);
  desk.out.write(`${METHOD} (${action}) of ${devices.length} devices: ${named(devices)}\n`);
  if (manner.dryRun) {
    desk.out.write('Nobody was called (--dry-run).\n');
    return 0;
  }
  if (condition !== undefined && !(await agreed(desk, manner, `Call ${METHOD} on ${devices.length} devices?`))) {
    throw new Failed('Nobody was called.');
  }
  const called =
    condition === undefined
      ? await callEach(desk, hub, devices, plan)
      : await callByJob(desk, hub, { condition, devices }, plan);
  const asked = called.filter(({ refused }) => refused === undefined).map(({ deviceId }) => deviceId);
  if (plan.waitMs === 0) {
    desk.out.write(
      `${asked.length} of ${called.length} devices were asked, under the id ${plan.id}. Nobody waited for.\n`,
    );
    return asked.length === called.length ? 0 : 1;
  }
  const followed = await follow(desk, hub, plan.id, asked, plan.waitMs);
  desk.out.write(safeText(report(called, followed)));
  return allBack(called, followed) ? 0 : 1;
}

function planOf({ desk, options }: Call): Plan {
  const action = options.oneOf('action', ['register', 'roll']) ?? 'register';
  const delaySeconds = options.seconds('delay', 0, DAY_SECONDS);
  const wait = options.seconds('wait', WAIT_SECONDS, DAY_SECONDS);
  const id = `enroll-${desk.now().toString(36)}`;
  return {
    id,
    method: { methodName: METHOD, payload: { action, id, delaySeconds }, responseTimeoutInSeconds: ANSWER_SECONDS },
    waitMs: wait === 0 ? 0 : (wait + delaySeconds) * 1_000,
  };
}

async function matching(hub: Hub, condition: string): Promise<string[]> {
  const where = condition.trim() === '*' ? '' : ` WHERE ${condition}`;
  const rows = await hub.query(`SELECT deviceId FROM devices${where}`);
  if (rows.length === 0) {
    throw new Failed(`No device of this hub fulfils: ${condition}`);
  }
  return rows.map((row) => v.parse(v.looseObject({ deviceId: v.string() }), row).deviceId).toSorted();
}

async function callEach(desk: Desk, hub: Hub, devices: readonly string[], { method }: Plan): Promise<Called[]> {
  const progress = new Progress(desk.err, 'asked');
  const called: Called[] = [];
  await atOnce(AT_ONCE, devices, async (deviceId) => {
    called.push(calledOf(deviceId, await hub.call(deviceId, method)));
    progress.show(called.length, devices.length);
  });
  progress.end();
  return devices.flatMap((deviceId) => called.filter((one) => one.deviceId === deviceId));
}

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

interface Fleet {
  readonly condition: string;
  /** Those that the condition held for a moment ago. */
  readonly devices: readonly string[];
}

/** The hub's own engine does it: it knows who is connected, and keeps within its quotas. */
async function callByJob(desk: Desk, hub: Hub, { condition, devices }: Fleet, { id, method }: Plan): Promise<Called[]> {
  await hub.schedule(id, condition, method, JOB_SECONDS);
  const progress = new Progress(desk.err, 'asked');
  const show = ({ succeeded, failed, total }: JobProgress): void =>
    progress.show(succeeded + failed, total, failed === 0 ? '' : `${failed} failed`);
  const pause = pauses(desk);
  let job = await hub.job(id);
  for (; !job.ended; job = await hub.job(id)) {
    show(job);
    await desk.sleep(pause.next().value);
  }
  show(job);
  progress.end();
  const called = await results(desk, hub, id, job.total);
  const left = devices.filter((deviceId) => !called.some((one) => one.deviceId === deviceId));
  return [...called, ...left.map((deviceId) => ({ deviceId, refused: 'the job did not come to it' }))];
}

/** What the job came to on each device. The query may lag behind the job, so it is asked a few times. */
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

function named(devices: readonly string[]): string {
  const rest = devices.length - SHOWN_NAMES;
  return safe(`${devices.slice(0, SHOWN_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`);
}

const safeText = (text: string): string => text.split('\n').map(safe).join('\n');
