import { type Failed, textOption } from '../../agent/cli/kit/command.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Call } from './command.ts';
import { operands } from './device.ts';
import { NAME } from './name.ts';
import { documentOf, isDone, type Run, writeRun } from './run.ts';
import { count } from './screen.ts';
import { report, sumText } from './tally.ts';

export interface End {
  /** How long the devices were waited for; undefined where they were not. */
  readonly waitedMs: number | undefined;
  /** The job of the hub has not ended. */
  readonly jobGoesOn: boolean;
  /** The run can be looked at again by its id alone: it is a job. */
  readonly isJob: boolean;
  /** Where the report goes if `--report` does not say. */
  readonly file?: string;
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
  const to = textOption(call, 'report') ?? (isWell ? undefined : file);
  // What is known goes onto the screen, also where the file cannot be written.
  const unwritten = to === undefined ? undefined : await writeRun(to, run).catch((error: Failed) => error);
  if (options.json === true) desk.out.write(documentOf(run));
  else {
    const waiting = devices.flatMap(({ deviceId, result }) => (result === 'waiting' ? [deviceId] : []));
    const within = delaySeconds === 0 ? '' : `, each within ${delaySeconds} s of its call`;
    const again = `${NAME} reprovision --look ${id}`;
    desk.out.write(
      [
        report(run, waitedMs, screenOf(desk.out, desk.env), textOption(call, 'job')),
        jobGoesOn ? `The job ${id} goes on in the hub.\n` : '',
        waiting.length === 0
          ? ''
          : `${count(waiting.length, 'device')} may still begin or end${within}. ${waitedMs === undefined ? 'To see how it ended' : 'Look again'}:\n  ${again}${isJob ? '' : ` ${operands(waiting)}`}\n`,
        isWell ? '' : nextStep(unwritten ? undefined : to, isJob ? again : undefined),
        sumText(run, waitedMs),
      ].join(''),
    );
  }
  if (unwritten) throw unwritten;
  return isWell ? EXIT.done : EXIT.failed;
}

function nextStep(file: string | undefined, again: string | undefined): string {
  if (file !== undefined) return `To call only those again that are not done:\n  ${NAME} reprovision --retry ${file}\n`;
  if (again !== undefined) return `To have all of them in a file, for --retry:\n  ${again} --report report.json\n`;
  return '';
}
