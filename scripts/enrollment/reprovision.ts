import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { printable, safe, screenOf } from '../../agent/cli/kit/screen.ts';
import { flagged, valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { atOnce } from './at-once.ts';
import { agreed, type Call, oneOf, seconds } from './command.ts';
import { conclude, type End } from './conclude.ts';
import type { Desk } from './desk.ts';
import { follow } from './follow.ts';
import { Hub, type MethodCall } from './hub.ts';
import { type JobResults, watchJob } from './job.ts';
import { NAME } from './name.ts';
import { devicesWhere } from './newleaf.ts';
import { answered, notAsked, type Outcome } from './outcome.ts';
import { ACTIONS, actionOf, demandWritable, documentOf, isDone, newId, type Run, readRun } from './run.ts';
import { count } from './screen.ts';
import { Silence } from './silence.ts';
import { names } from './tally.ts';

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
  report: valued('FILE', 'Write how it ended on each device into this file (JSON).'),
  retry: valued('FILE', 'Call those again that are not done in this report, with the same action.'),
  look: valued('ID', 'Call no device: look at an earlier request again. Waits only with --wait.'),
  json: flagged('Print one JSON document: how it ended on each device. Progress goes to stderr.'),
} as const;

const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const DAY_SECONDS = 86_400;
const WAIT_SECONDS = 300;
const JOB_SECONDS = 3_600;
/** Direct calls at the same time. */
const AT_ONCE = 4;

/** `enroll reprovision DEVICE… | --job CONDITION | --retry FILE | --look ID`: the device registers again, or replaces its leaf. */
export async function reprovision(call: Call): Promise<number> {
  const { positionals, options } = call;
  const [job, retry, look] = ['job', 'retry', 'look'].map((name) => textOption(call, name));
  const ways = [job, retry, look ?? positionals[0]].filter((way) => way !== undefined);
  if (ways.length !== 1 || ways[0]?.trim() === '') {
    throw new Misuse('Which devices? Their names, --job CONDITION, --retry FILE, or --look ID.');
  }
  if (options.action !== undefined && (retry ?? look) !== undefined) {
    throw new Misuse('--retry and --look have the action of the earlier request: leave --action out.');
  }
  if (look !== undefined) return lookAgain(call, look);
  return begin(call, job, retry === undefined ? undefined : await readRun(retry));
}

async function begin(call: Call, condition: string | undefined, earlier: Run | undefined): Promise<number> {
  const { desk, options, positionals } = call;
  const say = sayTo(call);
  const action = earlier?.action ?? oneOf(call, 'action', ACTIONS) ?? 'register';
  const delaySeconds = seconds(call, 'delay', earlier?.delaySeconds ?? 0, DAY_SECONDS);
  const waitSeconds = seconds(call, 'wait', WAIT_SECONDS, DAY_SECONDS);
  const id = newId(action, desk.now());
  const hub = await Hub.open(call);
  if (earlier !== undefined) demandSameHub(hub, earlier);
  const undone = earlier?.devices
    .filter((one) => !isDone(one))
    .map(({ deviceId }) => deviceId)
    .toSorted();
  const devices = undone ?? (condition === undefined ? [...new Set(positionals)] : await matching(hub, condition));
  if (earlier !== undefined) {
    const { id: earlierId, at: when, devices: all } = earlier;
    say(`Again, of ${earlierId} (${when}): not done: ${devices.length} of ${all.length}.\n`);
  }
  const title = `${METHOD} (${action}) of ${count(devices.length, 'device')}`;
  const screen = screenOf(desk.out, desk.env);
  if (devices.length > 0) say(`${title}: ${safe(screen, names(devices, screen.width - title.length - 2))}\n`);
  const run: Run = { id, hub: hub.host, action, delaySeconds, at: at(desk), devices: [] };
  if (options['dry-run'] === true || devices.length === 0) {
    const file = textOption(call, 'report');
    const unwritten = file === undefined ? '' : `, and ${printable(file)} was not written`;
    say(`No device was called${devices.length === 0 ? '' : ' (--dry-run)'}${unwritten}.\n`);
    const missed = devices.map((deviceId) => notAsked(deviceId, '--dry-run'));
    if (options.json === true) desk.out.write(documentOf({ ...run, devices: missed }));
    return EXIT.done;
  }
  const isMany = condition !== undefined || earlier !== undefined;
  if (isMany && !(await agreed(call, `Call ${METHOD} on ${count(devices.length, 'device')}?`))) {
    throw new Failed('No device was called.');
  }
  await demandWritable(textOption(call, 'report'));
  const method = {
    methodName: METHOD,
    payload: { action, id, delaySeconds },
    responseTimeoutInSeconds: ANSWER_SECONDS,
  };
  if (condition !== undefined) {
    await hub.schedule(id, condition, method, JOB_SECONDS);
    desk.err.write(`Later, or after Ctrl-C: ${NAME} reprovision --look ${id}\n`);
  } else if (desk.err.isTTY) desk.err.write('Ctrl-C ends the wait, and tells which are back.\n');
  return interruptible(desk, async (enough) => {
    const { outcomes, ended }: JobResults =
      condition === undefined
        ? { outcomes: await callEach(desk, hub, devices, method, enough), ended: true }
        : await watchJob(desk, hub, { id, devices, enough });
    return finish(call, hub, {
      run: { ...run, devices: outcomes },
      waitMs: waitSeconds === 0 ? undefined : (waitSeconds + delaySeconds) * 1_000,
      enough,
      jobGoesOn: !ended,
      isJob: condition !== undefined,
      ...(earlier && { file: `${id}.json` }),
    });
  });
}

/** `enroll reprovision --look ID [DEVICE…]`: the job of this id, and the twins of its devices, or of those that are named. */
async function lookAgain(call: Call, id: string): Promise<number> {
  const { desk, positionals } = call;
  const action = actionOf(id);
  const waitMs = seconds(call, 'wait', 0, DAY_SECONDS) * 1_000;
  const hub = await Hub.open(call);
  await demandWritable(textOption(call, 'report'));
  const job = await hub.job(id);
  if (job === undefined && positionals.length === 0) {
    throw new Failed(`This hub has no job ${id}.`, {
      advice: `The devices were called by their names: ${NAME} reprovision --look ${id} DEVICE...`,
    });
  }
  return interruptible(desk, async (enough) => {
    const asked = positionals.map((deviceId): Outcome => ({ deviceId, result: 'waiting' }));
    const { outcomes, ended } = job
      ? await watchJob(desk, hub, { id, devices: [], enough: waitMs === 0 ? AbortSignal.abort() : enough })
      : { outcomes: asked, ended: true };
    const known = new Map(outcomes.map((one) => [one.deviceId, one]));
    const why = `not called by this job${ended ? '' : ' yet'}`;
    const named = positionals.map((deviceId) => known.get(deviceId) ?? notAsked(deviceId, why));
    const devices = positionals.length === 0 ? outcomes : named;
    const run = { id, hub: hub.host, action, delaySeconds: job?.delaySeconds ?? 0, at: at(desk), devices };
    const jobGoesOn = !ended && positionals.length === 0;
    return finish(call, hub, { run, waitMs, enough, jobGoesOn, isJob: job !== undefined });
  });
}

interface Begun extends Omit<End, 'waitedMs'> {
  readonly run: Run;
  /** Undefined where it is not waited for. */
  readonly waitMs: number | undefined;
  readonly enough: AbortSignal;
}

async function finish(call: Call, hub: Hub, { run, waitMs, enough, ...end }: Begun): Promise<number> {
  const { desk } = call;
  const asked = run.devices.filter(({ result }) => result === 'waiting').map(({ deviceId }) => deviceId);
  const followed = waitMs === undefined ? undefined : await follow(desk, hub, asked, { id: run.id, waitMs, enough });
  const later = new Map(followed?.outcomes.map((one) => [one.deviceId, one]));
  const devices = run.devices.map((one) => later.get(one.deviceId) ?? one);
  return conclude(call, { ...run, at: at(desk), devices }, { ...end, waitedMs: followed?.waitedMs });
}

/** Ctrl-C ends the work early, and well; a second one ends the program. */
export async function interruptible<T>(desk: Desk, work: (enough: AbortSignal) => Promise<T>): Promise<T> {
  const enough = new AbortController();
  const unheard = desk.onInterrupt(() => enough.abort());
  return work(enough.signal).finally(unheard);
}

/** Two fleets may have the same names. @throws Misuse */
function demandSameHub({ host }: Hub, { hub }: Run): void {
  if (hub === host) return;
  throw new Misuse(`This report is of the hub ${hub}, and --hub or NEWLEAF_HUB_CONNECTION leads to ${host}.`);
}

/** The devices of the hub that meet a condition, by name. @throws Failed where there is none */
export async function matching(hub: Hub, condition: string): Promise<string[]> {
  const devices = await devicesWhere(hub, condition);
  if (devices.length > 0) return devices.map(({ deviceId }) => deviceId);
  throw new Failed(
    condition.trim() === '*' ? 'This hub has no device.' : `No device of this hub meets: ${printable(condition)}`,
  );
}

async function callEach(
  desk: Desk,
  hub: Hub,
  devices: readonly string[],
  method: MethodCall,
  enough: AbortSignal,
): Promise<Outcome[]> {
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'asked');
  const called = new Map<string, Outcome>();
  const silence = new Silence();
  await atOnce(AT_ONCE, devices, async (deviceId) => {
    if (enough.aborted || silence.isLasting) return;
    const answer = await silence
      .during(() => hub.call(deviceId, method))
      .catch((error: unknown) => {
        // The devices that were asked before are followed all the same.
        if (called.size === 0 || !(error instanceof Failed)) throw error;
        return error.message;
      });
    called.set(deviceId, answered(deviceId, answer));
    const missed = [...called.values()].filter(({ result }) => result === 'not-asked').length;
    progress.show(called.size, devices.length, missed === 0 ? '' : `${missed} failed`);
  }).finally(() => progress.end());
  if (silence.isLasting) desk.err.write(`${silence.words}\n`);
  const why = silence.isLasting ? 'not begun, because the other side was down' : 'interrupted before';
  return devices.map((deviceId) => called.get(deviceId) ?? notAsked(deviceId, why));
}

const at = (desk: Desk): string => new Date(desk.now()).toISOString();

/** With --json, stdout has the document and nothing else. */
function sayTo({ desk, options }: Call): (text: string) => void {
  return (text) => void (options.json === true ? desk.err : desk.out).write(text);
}
