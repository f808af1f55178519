import { screenOf } from '../../../agent/cli/kit/screen.ts';
import { EXIT } from '../../../agent/failure/exit.ts';
import type { Call } from '../command.ts';
import { at } from '../desk.ts';
import type { Hub } from '../hub.ts';
import { NAME } from '../name.ts';
import { brieflyWhere } from '../newleaf.ts';
import { LATER, notAsked, type Outcome } from '../outcome.ts';
import { demandId } from '../request.ts';
import { documentOf, type Run, writeRun } from '../run.ts';
import { count, linesFor } from '../screen.ts';
import { callAgain, report } from '../tally.ts';
import type { Gateway, Verdict } from './judge.ts';
import type { Roll } from './next.ts';
import { planText } from './plan.ts';
import type { View } from './view.ts';

/** Tells how it is, and what to type next: of each gateway, and of the request. @returns the exit code */
export async function ended(call: Call, hub: Hub, roll: Roll, view: View, verdict: Verdict): Promise<number> {
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
