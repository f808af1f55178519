import { Failed, Misuse, textOption } from '../../../agent/cli/kit/command.ts';
import { Count } from '../../../agent/cli/kit/progress.ts';
import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import { newReport, oldReport } from '../archive.ts';
import { agreed, type Call, sayTo } from '../command.ts';
import { at, interruptible } from '../desk.ts';
import type { Hub } from '../hub.ts';
import { NAME } from '../name.ts';
import { matching } from '../newleaf.ts';
import { LATER, notAsked } from '../outcome.ts';
import { outlast } from '../outlast.ts';
import { type Action, demandId, newId, operatorOf } from '../request.ts';
import { writeBegun } from '../run.ts';
import { count } from '../screen.ts';
import { names } from '../tally.ts';
import { ended } from './end.ts';
import { judge, type Verdict } from './judge.ts';
import type { Prepare } from './leaf-by-leaf.ts';
import { callNext, METHOD, pick, type Roll } from './next.ts';
import { type Plan, planOf, planText, replanned, sizeIn } from './plan.ts';
import { Viewer } from './view.ts';

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
  if (options.first !== undefined || options.next !== undefined) {
    throw new Misuse('--resume has the waves of the request: leave --first and --next out.');
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
