import { createHash } from 'node:crypto';
import { Failed, Misuse, textOption } from '../../../agent/cli/kit/command.ts';
import { Count } from '../../../agent/cli/kit/progress.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import { newReport, oldReport } from '../archive.ts';
import { agreed, type Call, sayTo } from '../command.ts';
import { at, interruptible } from '../desk.ts';
import type { Hub, MethodCall } from '../hub.ts';
import { NAME } from '../name.ts';
import { brieflyWhere, matching, type Seen } from '../newleaf.ts';
import { LATER, notAsked, type Outcome } from '../outcome.ts';
import { outlast } from '../outlast.ts';
import { statusOf } from '../refusal.ts';
import { type Action, demandId, newId, operatorOf } from '../request.ts';
import { documentOf, type Run, writeBegun, writeRun } from '../run.ts';
import { count, linesFor } from '../screen.ts';
import { callAgain, names, report } from '../tally.ts';
import { conditionOf, fitting } from './condition.ts';
import { type Gateway, judge, type Verdict } from './judge.ts';
import type { Prepare } from './leaf-by-leaf.ts';
import { type Plan, planOf, planText, replanned, sizeIn } from './plan.ts';
import { type View, Viewer } from './view.ts';

/** A request in waves. */
interface Roll {
  readonly id: string;
  readonly action: Action;
  readonly condition: string;
  readonly plan: Plan;
  readonly file: string | undefined;
  readonly prepare: Prepare | undefined;
}

const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const JOB_SECONDS = 3_600;
/** A session may end at any moment, also in a pause of hours. */
const LONGEST_MS = 60_000;
/** A hub of one unit of S1 answers 20 queries a minute (iot-hub-devguide-quotas-throttling). */
const QUERY_MS = 3_000;

/**
 * Calls the devices that meet a condition in waves: the next one only while those before are proven.
 * @param prepare promotes the enrollment of each, where each has its own
 */
export async function beginWaves(
  call: Call,
  hub: Hub,
  action: Action,
  condition: string,
  prepare?: Prepare,
): Promise<number> {
  const { desk, options } = call;
  const devices = await matching(hub, condition);
  const plan: Plan = { ...planOf(call, devices.length), ...(prepare && { promotes: true }) };
  const by = operatorOf(desk.env);
  const id = newId(action, by, desk.now());
  const sizes = plan.waves.map((size) => (size === 'rest' ? size : String(sizeIn(size, plan.of))));
  const screen = screenOf(desk.out, desk.env);
  const say = sayTo(call);
  const what = prepare ? 'promote, and ' : '';
  say(`${what}${METHOD} (${action}) of ${count(devices.length, 'device')}, in waves: ${sizes.join(', ')}\n`);
  if (options['dry-run'] === true) {
    const first = await pick(hub, condition, await new Viewer(hub, id).view(plan, desk.now()));
    const ids = first.slice(0, sizeIn(plan.waves[0] ?? 'rest', plan.of)).map(({ deviceId }) => deviceId);
    say(`The first: ${names(ids, screen.width - 11)}\nNo device was called (--dry-run).\n`);
    return EXIT.done;
  }
  const gone = prepare ? 'The leaf that each had before is no longer admitted then. ' : '';
  const question = `${gone}Call ${METHOD} on ${count(devices.length, 'device')}, in ${count(plan.waves.length, 'wave')}?`;
  if (!(await agreed(call, question))) throw new Failed('No device was called.');
  const file = textOption(call, 'report') ?? (await newReport(desk.env, id));
  if (file !== undefined) {
    const told = { id, hub: hub.host, action, by, condition, waves: planText(plan) };
    await writeBegun(file, {
      ...told,
      delaySeconds: plan.delay,
      at: at(desk),
      devices: devices.map((deviceId) => notAsked(deviceId, LATER)),
    });
  }
  desk.err.write(`After Ctrl-C, or from another machine: ${NAME} reprovision --resume ${id}\n`);
  return go(call, hub, { id, action, condition, plan, file, prepare }, new Viewer(hub, id));
}

/**
 * `enroll reprovision --resume ID`: goes on with a request in waves, from what the hub has of it.
 * @param promoting for one that promotes the enrollment of each device
 */
export async function resumeWaves(
  call: Call,
  hub: Hub,
  id: string,
  promoting: (call: Call, hub: Hub) => Promise<Prepare>,
): Promise<number> {
  const { desk, options } = call;
  const { action } = demandId(id);
  const viewer = new Viewer(hub, id);
  const tell = (trouble: string): void => void desk.err.write(`${trouble}\n`);
  const [job] = await outlast(desk, () => viewer.jobs(), tell, new AbortController().signal);
  if (job === undefined) {
    throw new Failed(`The hub ${hub.host} has no wave of ${id}.`, {
      advice: `Requests that it knows: ${NAME} list jobs`,
    });
  }
  if (options.first !== undefined || options.then !== undefined) {
    throw new Misuse('--resume has the waves of the request: leave --first and --then out.');
  }
  const { condition } = job;
  const plan = replanned(call, job.plan);
  const file = textOption(call, 'report') ?? (await oldReport(desk.env, id));
  const prepare = plan.promotes ? await promoting(call, hub) : undefined;
  return go(call, hub, { id, action, condition, plan, file, prepare }, viewer);
}

async function go(call: Call, hub: Hub, roll: Roll, viewer: Viewer): Promise<number> {
  const { desk } = call;
  const { id, plan } = roll;
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'proven');
  let said = '';
  try {
    return await interruptible(desk, async (enough) => {
      for (;;) {
        const mark = hub.queries;
        const steadily = <T>(ask: () => Promise<T>): Promise<T> =>
          outlast(desk, ask, (trouble) => progress.show(0, plan.of, trouble), enough);
        const view = await steadily(() => viewer.view(plan, desk.now()));
        const verdict: Verdict = viewer.isEnded
          ? { is: 'stop', wave: Math.max(0, view.begun.length - 1), why: `it was ended by ${NAME} cancel`, failed: [] }
          : judge(plan, view.begun, desk.now());
        const all = view.begun.flatMap(({ gateways }) => gateways);
        progress.show(all.filter(({ state }) => state === 'proven').length, plan.of, wordsOf(verdict, plan));
        const line = `${wordsOf(verdict, plan)}\n`;
        if (!desk.err.isTTY && line !== said && verdict.is === 'wait') desk.err.write(line);
        said = line;
        if (verdict.is === 'stop' || verdict.is === 'over' || enough.aborted) {
          progress.end();
          return await steadily(() => ended(call, hub, roll, view, verdict));
        }
        if (verdict.is === 'call') await steadily(() => callNext(hub, roll, viewer, view, verdict.wave, enough));
        const pace = Math.max(desk.pollMs, (hub.queries - mark) * QUERY_MS);
        const wanted = verdict.is === 'wait' ? Math.min(verdict.forMs, LONGEST_MS) : 0;
        await desk.sleep(Math.max(pace, wanted), enough);
      }
    });
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    throw new Failed(error.message, { cause: error.cause, advice: `To go on: ${NAME} reprovision --resume ${id}` });
  } finally {
    progress.end();
  }
}

function wordsOf(verdict: Verdict, { waves }: Plan): string {
  if (verdict.is === 'over') return 'all waves are over';
  const head = `wave ${verdict.wave + 1} of ${waves.length}`;
  return verdict.is === 'wait' ? `${head}: ${verdict.words}` : verdict.is === 'call' ? `${head} begins` : head;
}

/** Those that are left, in the order in which they are called: the same one on every machine, over all sites. */
async function pick(hub: Hub, condition: string, { called }: View): Promise<Seen[]> {
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
async function callNext(
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

async function ended(call: Call, hub: Hub, roll: Roll, view: View, verdict: Verdict): Promise<number> {
  const { desk, options } = call;
  const { id, action, condition, plan, file } = roll;
  if (verdict.is === 'stop') for (const job of view.running) await hub.cancel(job);
  const gateways = view.begun.flatMap((one) => one.gateways);
  const known = new Set(gateways.map(({ deviceId }) => deviceId));
  const left = (await brieflyWhere(hub, condition)).filter(({ deviceId }) => !known.has(deviceId));
  const devices: Outcome[] = [...gateways.map(outcomeOf), ...left.map(({ deviceId }) => notAsked(deviceId, LATER))];
  const by = demandId(id).by;
  const told = { id, hub: hub.host, action, ...(by !== undefined && { by }), condition, waves: planText(plan) };
  const run: Run = { ...told, delaySeconds: plan.delay, at: at(desk), state: 'seen', devices };
  if (file !== undefined) await writeRun(file, run);
  const proven = gateways.filter(({ state }) => state === 'proven').length;
  const isDone = verdict.is === 'over' && devices.every(({ result }) => result === 'done');
  if (options.json === true) desk.out.write(documentOf(run));
  else {
    const screen = screenOf(desk.out, desk.env);
    const rest = left.length === 0 ? '' : `${count(left.length, 'device')} of ${plan.of} not asked.\n`;
    const next = `  ${NAME} reprovision --resume ${id}\n`;
    const groups = report({ ...run, devices: devices.filter(({ reason }) => reason !== LATER) }, 0, screen);
    const words =
      verdict.is === 'stop' ? `Stopped in wave ${verdict.wave + 1} of ${plan.waves.length}: ${verdict.why}.\n` : '';
    const cure = isDone || groups === '' ? '' : callAgain(id);
    const isOpen = view.running.length > 0 && verdict.is !== 'stop';
    const open = isOpen ? `A job goes on in the hub. To end it:\n  ${NAME} cancel ${id}\n` : '';
    const isKnown = view.parts.some((jobs) => jobs > 0);
    const begin = isKnown
      ? `To go on with the next devices:\n${next}`
      : 'No device was called. To begin again, repeat the command.\n';
    const on = verdict.is === 'over' ? '' : begin;
    desk.out.write(
      linesFor(
        screen,
        `${words}${groups}${cure}${open}${on}${count(proven, 'device')} proven of ${gateways.length} in ${count(view.begun.length, 'wave')}.\n${rest}`,
      ),
    );
  }
  return isDone ? EXIT.done : EXIT.failed;
}

const RESULTS: Readonly<Record<Gateway['state'], Outcome['result']>> = {
  proven: 'done',
  back: 'waiting',
  waiting: 'waiting',
  otherwise: 'otherwise',
  'not-asked': 'not-asked',
};

const outcomeOf = ({ state, at: _, ...one }: Gateway): Outcome => ({
  ...one,
  result: RESULTS[state],
  ...(state === 'back' && one.reason === undefined && { reason: 'back, and its session is too young to be proven' }),
});
