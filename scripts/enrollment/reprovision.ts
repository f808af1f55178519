import * as v from 'valibot';
import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { printable, screenOf } from '../../agent/cli/kit/screen.ts';
import { valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { atOnce } from './at-once.ts';
import { agreed, type Call, oneOf, seconds } from './command.ts';
import type { Desk } from './desk.ts';
import { type Called, calledOf, follow } from './fleet.ts';
import { Hub, type MethodCall } from './hub.ts';
import { callByJob } from './job.ts';
import { allBack, report } from './tally.ts';

export const REPROVISION_OPTIONS = {
  job: valued(
    'CONDITION',
    'Every device that meets the WHERE clause, by a job of the hub: "tags.site = \'north\'", or "*".',
  ),
  action: valued('ACTION', 'register (default): register the leaf again. roll: replace it, with a new key.'),
  delay: valued(
    'SECONDS',
    'Each device begins at a random moment within this time. Default 0; a fleet should have some.',
  ),
  wait: valued('SECONDS', 'How long they may take to come back, after the delay. Default 300; 0 does not wait.'),
} as const;

export const ACTIONS = ['register', 'roll'] as const;

const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const DAY_SECONDS = 86_400;
const WAIT_SECONDS = 300;
/** Direct calls at the same time. */
const AT_ONCE = 4;
const SHOWN_NAMES = 5;

interface Plan {
  readonly action: (typeof ACTIONS)[number];
  readonly id: string;
  readonly method: MethodCall;
  readonly waitMs: number;
}

/** `enroll reprovision DEVICE… | --job CONDITION`: the device registers again, or replaces its leaf. */
export async function reprovision(call: Call): Promise<number> {
  const { desk, positionals, options } = call;
  const condition = textOption(call, 'job');
  if ((condition === undefined) === (positionals.length === 0) || condition?.trim() === '') {
    throw new Misuse('Which devices? Their names, or --job CONDITION.');
  }
  const plan = planOf(call);
  const hub = await Hub.open(call);
  const devices = condition === undefined ? [...new Set(positionals)] : await matching(hub, condition);
  desk.out.write(`${METHOD} (${plan.action}) of ${devices.length} devices: ${named(devices)}\n`);
  if (options['dry-run'] === true) {
    desk.out.write('No device was called (--dry-run).\n');
    return EXIT.done;
  }
  if (condition !== undefined && !(await agreed(call, `Call ${METHOD} on ${devices.length} devices?`))) {
    throw new Failed('No device was called.');
  }
  const called =
    condition === undefined
      ? await callEach(desk, hub, devices, plan)
      : await callByJob(desk, hub, { id: plan.id, method: plan.method, condition, devices });
  const asked = called.filter(({ refused }) => refused === undefined).map(({ deviceId }) => deviceId);
  if (plan.waitMs === 0) {
    desk.out.write(
      `${asked.length} of ${called.length} devices were asked, under the id ${plan.id}, without waiting.\n`,
    );
    return asked.length === called.length ? EXIT.done : EXIT.failed;
  }
  const followed = await follow(desk, hub, plan.id, asked, plan.waitMs);
  desk.out.write(safeText(report(called, followed)));
  return allBack(called, followed) ? EXIT.done : EXIT.failed;
}

function planOf(call: Call): Plan {
  const action = oneOf(call, 'action', ACTIONS) ?? 'register';
  const delaySeconds = seconds(call, 'delay', 0, DAY_SECONDS);
  const wait = seconds(call, 'wait', WAIT_SECONDS, DAY_SECONDS);
  const id = `enroll-${call.desk.now().toString(36)}`;
  return {
    id,
    action,
    method: { methodName: METHOD, payload: { action, id, delaySeconds }, responseTimeoutInSeconds: ANSWER_SECONDS },
    waitMs: wait === 0 ? 0 : (wait + delaySeconds) * 1_000,
  };
}

/** The devices of the hub that meet a condition, by name. */
export async function matching(hub: Hub, condition: string): Promise<string[]> {
  const where = condition.trim() === '*' ? '' : ` WHERE ${condition}`;
  const rows = await hub.query(`SELECT deviceId FROM devices${where}`);
  if (rows.length === 0) throw new Failed(`No device of this hub meets: ${condition}`);
  return rows.map((row) => v.parse(v.looseObject({ deviceId: v.string() }), row).deviceId).toSorted();
}

async function callEach(desk: Desk, hub: Hub, devices: readonly string[], { method }: Plan): Promise<Called[]> {
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'asked');
  const called: Called[] = [];
  await atOnce(AT_ONCE, devices, async (deviceId) => {
    const answer = await hub.call(deviceId, method).catch((error: unknown) => {
      // The devices that were asked before are followed all the same.
      if (called.length === 0 || !(error instanceof Failed)) throw error;
      return error.message;
    });
    called.push(calledOf(deviceId, answer));
    progress.show(called.length, devices.length);
  }).finally(() => progress.end());
  return devices.flatMap((deviceId) => called.filter((one) => one.deviceId === deviceId));
}

/** The first few names. */
export function named(devices: readonly string[]): string {
  const rest = devices.length - SHOWN_NAMES;
  return printable(`${devices.slice(0, SHOWN_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`);
}

const safeText = (text: string): string => text.split('\n').map(printable).join('\n');
