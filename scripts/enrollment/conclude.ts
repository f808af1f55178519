import { type Failed, textOption } from '../../agent/cli/kit/command.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Call } from './command.ts';
import { at } from './desk.ts';
import { operands } from './device.ts';
import { follow } from './follow.ts';
import type { Hub } from './hub.ts';
import { NAME } from './name.ts';
import { documentOf, isDone, type Run, writeRun } from './run.ts';
import { count } from './screen.ts';
import { callAgain, report, sumText } from './tally.ts';

export interface End {
  /** How long the devices were waited for; undefined where they were not. */
  readonly waitedMs: number | undefined;
  /** The job of the hub has not ended. */
  readonly jobGoesOn: boolean;
  /** The hub knows the request by its ID alone: it is a job. */
  readonly isJob: boolean;
  /** Where the report is; undefined where there is none. */
  readonly file?: string | undefined;
}

interface Begun extends Omit<End, 'waitedMs'> {
  readonly run: Run;
  /** Undefined where it is not waited for. */
  readonly waitMs: number | undefined;
  readonly enough: AbortSignal;
}

/** Waits for those that were asked, and concludes. */
export async function finish(call: Call, hub: Hub, { run, waitMs, enough, ...end }: Begun): Promise<number> {
  const { desk } = call;
  const asked = run.devices.filter(({ result }) => result === 'waiting').map(({ deviceId }) => deviceId);
  const followed = waitMs === undefined ? undefined : await follow(desk, hub, asked, { id: run.id, waitMs, enough });
  const later = new Map(followed?.outcomes.map((one) => [one.deviceId, one]));
  const devices = run.devices.map((one) => later.get(one.deviceId) ?? one);
  return conclude(call, { ...run, at: at(desk), state: 'seen', devices }, { ...end, waitedMs: followed?.waitedMs });
}

/**
 * Tells how it ended: the groups, what goes on without us, how to go on, and the sum as the last line.
 * @returns the exit code
 */
export async function conclude(call: Call, run: Run, { waitedMs, jobGoesOn, isJob, file }: End): Promise<number> {
  const { desk, options } = call;
  const { id, devices, delaySeconds } = run;
  const isWell =
    !jobGoesOn && devices.every((one) => isDone(one) || (waitedMs === undefined && one.result === 'waiting'));
  const own = textOption(call, 'report');
  const to = own ?? file;
  // What is known goes onto the screen, also where the file cannot be written.
  const unwritten = to === undefined ? undefined : await writeRun(to, run).catch((error: Failed) => error);
  const earlier = (unwritten ? undefined : own) ?? (isJob || (file && !unwritten) ? id : undefined);
  if (options.json === true) desk.out.write(documentOf(run));
  else {
    const waiting = devices.flatMap(({ deviceId, result }) => (result === 'waiting' ? [deviceId] : []));
    const within = delaySeconds === 0 ? '' : `, each within ${delaySeconds} s of its call`;
    const again = `${NAME} reprovision --look ${id}`;
    desk.out.write(
      [
        report(run, waitedMs, screenOf(desk.out, desk.env), textOption(call, 'job')),
        jobGoesOn ? `The job ${id} goes on in the hub. To end it:\n  ${NAME} cancel ${id}\n` : '',
        waiting.length === 0
          ? ''
          : `${count(waiting.length, 'device')} may still begin or end${within}. ${waitedMs === undefined ? 'To see how it ended' : 'Look again'}:\n  ${again}${isJob ? '' : ` ${operands(waiting)}`}\n`,
        isWell || earlier === undefined ? '' : callAgain(earlier),
        sumText(run, waitedMs),
      ].join(''),
    );
  }
  if (unwritten) throw unwritten;
  return isWell ? EXIT.done : EXIT.failed;
}
