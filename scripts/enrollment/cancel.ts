import { Failed } from '../../agent/cli/kit/command.ts';
import { type Screen, safe, screenOf, wrap } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { agreed, type Call, only } from './command.ts';
import { interruptible, quiet } from './desk.ts';
import { Hub } from './hub.ts';
import type { JobProgress } from './hub-answers.ts';
import { NOW, outcomesNow, traceOf } from './look.ts';
import { NAME } from './name.ts';
import type { Outcome } from './outcome.ts';
import { demandId, requestOf } from './request.ts';
import { count } from './screen.ts';
import { names } from './tally.ts';
import { isMark, markOf, waveIn } from './waves/condition.ts';

const INDENT = ' '.repeat(8);

/** `enroll cancel ID`: ends the jobs of a request, and says for each device what it will still do. */
export async function cancel(call: Call): Promise<number> {
  const { desk, options } = call;
  const id = only(call);
  demandId(id);
  const hub = await Hub.open(call);
  const trace = await traceOf(quiet(desk), hub, id, NOW);
  if (trace === undefined || trace.jobs.length === 0) {
    throw new Failed(`The hub ${hub.host} has no job of ${id}: there is nothing to end in it.`, {
      advice: `Called by name, each device goes on by itself: ${NAME} show job ${id}`,
    });
  }
  const open = trace.jobs.filter(({ ended }) => !ended);
  const called = trace.jobs.reduce((all, { succeeded }) => all + succeeded, 0);
  const isInWaves = trace.jobs.some(({ condition }) => waveIn(condition) !== undefined);
  if (open.length > 0 || isInWaves) {
    const what = open.length > 0 ? count(open.length, 'job') : 'the waves';
    const question = `End ${what} of ${id} in the hub? ${count(called, 'device')} took the call already, and cannot be called off.`;
    if (options['dry-run'] === true) {
      desk.out.write('Nothing was ended (--dry-run).\n');
      return EXIT.done;
    }
    if (!(await agreed(call, question))) throw new Failed('The job goes on.');
    await endAll(hub, id, trace.jobs);
  }
  return interruptible(desk, async (enough) => {
    const ended = await traceOf(desk, hub, id, enough);
    const devices = await outcomesNow(hub, id, ended?.outcomes ?? []);
    const delay = Math.max(...trace.jobs.map(({ delaySeconds }) => delaySeconds));
    const head =
      open.length === 0 && !isInWaves ? `No job of ${id} was running any more.\n` : `${id} is ended in the hub.\n`;
    desk.out.write(head + whatStill(devices, delay, screenOf(desk.out, desk.env)));
    if (devices.some(({ result }) => result !== 'done')) {
      desk.out.write(`To call those that are not done, later:\n  ${NAME} reprovision --retry ${id}\n`);
    }
    return EXIT.done;
  });
}

async function endAll(hub: Hub, id: string, jobs: readonly JobProgress[]): Promise<void> {
  for (const job of jobs) if (!job.ended) await hub.cancel(job.id);
  if (!jobs.some(({ condition }) => waveIn(condition) !== undefined)) return;
  const [jobId, condition] = markOf(id, 1 + jobs.filter(isMark).length);
  await hub.schedule(jobId, condition, { methodName: 'reprovision', payload: {}, responseTimeoutInSeconds: 5 }, 60);
  // A machine that goes on with the request may have begun a wave before it could hear of this.
  const later = (await hub.jobs()).filter((job) => requestOf(job.id) === id && !isMark(job) && !job.ended);
  for (const job of later) await hub.cancel(job.id);
}

/** What each device will still do. */
function whatStill(devices: readonly Outcome[], delaySeconds: number, screen: Screen): string {
  const within = delaySeconds === 0 ? '' : `, and begins within ${delaySeconds} s of its call`;
  const groups: readonly (readonly [result: Outcome['result'], words: string])[] = [
    ['done', 'done: stays so'],
    ['otherwise', 'ended otherwise: stays so'],
    ['waiting', `called, or being called${within}: it goes on to its end`],
    ['not-asked', 'was not called, and will not be'],
  ];
  return groups
    .flatMap(([result, words]) => {
      const ids = devices.filter((one) => one.result === result).map(({ deviceId }) => deviceId);
      if (ids.length === 0) return [];
      const head = { first: `${String(ids.length).padStart(6)}  `, rest: INDENT };
      const line = safe(screen, names(ids.toSorted(), screen.width - INDENT.length));
      return [...wrap(screen, words, head), `${INDENT}${line}`];
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** After Ctrl-C: whether the job is to end, too. It is ended then. */
export async function offered({ desk }: Call, hub: Hub, id: string): Promise<boolean> {
  const question = 'End the job in the hub as well? Then no further device is called. [y/N] ';
  const answer = (await desk.ask?.(question)) ?? '';
  if (!/^y(es)?$/i.test(answer.trim())) return false;
  await hub.cancel(id);
  return true;
}
