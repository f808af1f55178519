import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { printable, safe, screenOf } from '../../agent/cli/kit/screen.ts';
import { flagged, valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { newReport } from './archive.ts';
import { callEach } from './call-each.ts';
import { offered } from './cancel.ts';
import { promoting } from './certificates.ts';
import { agreed, type Call, DAY_SECONDS, oneOf, sayTo, seconds } from './command.ts';
import { finish } from './conclude.ts';
import { at, interruptible } from './desk.ts';
import { Hub } from './hub.ts';
import { type JobResults, watchJob } from './job.ts';
import { earlierRun, look } from './look.ts';
import { NAME } from './name.ts';
import { matching } from './newleaf.ts';
import { asked, notAsked } from './outcome.ts';
import { ACTIONS, demandId, newId, operatorOf } from './request.ts';
import { documentOf, isDone, type Run, writeBegun } from './run.ts';
import { count } from './screen.ts';
import { names } from './tally.ts';
import { isWaves, WAVE_OPTIONS } from './waves/plan.ts';
import { beginWaves, resumeWaves } from './waves/waves.ts';

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
  report: valued('FILE', 'Write what is asked, and how it ended on each device, into this file (JSON).'),
  retry: valued(
    'FILE',
    'Call those again that are not done in this report, or by the request of this ID, with the same action.',
  ),
  resume: valued('ID', 'Go on with a request in waves, from any machine.'),
  ...WAVE_OPTIONS,
  look: valued('ID', 'Call no device: look at an earlier request again. Waits only with --wait.'),
  json: flagged('Print one JSON document: how it ended on each device. Progress goes to stderr.'),
} as const;

const METHOD = 'reprovision';
const ANSWER_SECONDS = 30;
const WAIT_SECONDS = 300;
const JOB_SECONDS = 3_600;

/** `enroll reprovision DEVICE… | --job CONDITION | --retry ID|FILE | --look ID`: the device registers again, or replaces its leaf. */
export async function reprovision(call: Call): Promise<number> {
  const { positionals, options } = call;
  const [job, retry, lookAt, resume] = ['job', 'retry', 'look', 'resume'].map((name) => textOption(call, name));
  const ways = [job, retry, resume, lookAt ?? positionals[0]].filter((way) => way !== undefined);
  if (ways.length !== 1 || ways[0]?.trim() === '') {
    throw new Misuse('Which devices? Their names, --job CONDITION, --retry ID, --resume ID, or --look ID.');
  }
  if (options.action !== undefined && (retry ?? resume ?? lookAt) !== undefined) {
    throw new Misuse('--retry, --resume and --look have the action of the earlier request: leave --action out.');
  }
  if (isWaves(call) && job === undefined) throw new Misuse('Waves are for a condition: --job CONDITION --first SIZE.');
  const known = lookAt ?? resume;
  if (known !== undefined) demandId(known);
  const hub = await Hub.open(call);
  if (resume !== undefined) return resumeWaves(call, hub, resume, promoting);
  if (job !== undefined && isWaves(call)) {
    return beginWaves(call, hub, oneOf(call, 'action', ACTIONS) ?? 'register', job);
  }
  if (lookAt !== undefined) return look(call, hub, lookAt, positionals);
  return begin(call, hub, job, retry === undefined ? undefined : await earlierRun(call, hub, retry));
}

async function begin(call: Call, hub: Hub, condition: string | undefined, earlier: Run | undefined): Promise<number> {
  const { desk, options, positionals } = call;
  const say = sayTo(call);
  const action = earlier?.action ?? oneOf(call, 'action', ACTIONS) ?? 'register';
  const delaySeconds = seconds(call, 'delay', earlier?.delaySeconds ?? 0, DAY_SECONDS);
  const waitSeconds = seconds(call, 'wait', WAIT_SECONDS, DAY_SECONDS);
  const by = operatorOf(desk.env);
  const id = newId(action, by, desk.now());
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
  const told = { id, hub: hub.host, action, by, ...(condition !== undefined && { condition }) };
  const run: Run = { ...told, delaySeconds, at: at(desk), devices: [] };
  if (options['dry-run'] === true || devices.length === 0) {
    const report = textOption(call, 'report');
    const unwritten = report === undefined ? '' : `, and ${printable(report)} was not written`;
    say(`No device was called${devices.length === 0 ? '' : ' (--dry-run)'}${unwritten}.\n`);
    const missed = devices.map((deviceId) => notAsked(deviceId, '--dry-run'));
    if (options.json === true) desk.out.write(documentOf({ ...run, devices: missed }));
    return EXIT.done;
  }
  const isMany = condition !== undefined || earlier !== undefined;
  if (isMany && !(await agreed(call, `Call ${METHOD} on ${count(devices.length, 'device')}?`))) {
    throw new Failed('No device was called.');
  }
  const file = textOption(call, 'report') ?? (await newReport(desk.env, id));
  if (file !== undefined) {
    await writeBegun(file, { ...run, devices: devices.map((deviceId) => asked(deviceId, 'begun')) });
  }
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
    let results: JobResults =
      condition === undefined
        ? { outcomes: await callEach(desk, hub, devices, method, enough), ended: true }
        : await watchJob(desk, hub, { id, devices, enough });
    if (!results.ended && (await offered(call, hub, id))) {
      results = await watchJob(desk, hub, { id, devices, enough: new AbortController().signal });
    }
    const { outcomes, ended } = results;
    return finish(call, hub, {
      run: { ...run, devices: outcomes },
      waitMs: waitSeconds === 0 ? undefined : (waitSeconds + delaySeconds) * 1_000,
      enough,
      jobGoesOn: !ended,
      isJob: condition !== undefined,
      file,
    });
  });
}
