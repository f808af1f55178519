import { Failed, Misuse, nextStep, textOption } from '../../agent/cli/kit/command.ts';
import { printable, safe, screenOf, wrap } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { agreed, type Call } from './command.ts';
import { addressed, conditioned, deviceOf, operands } from './device.ts';
import { Dps } from './dps.ts';
import { askEach, byDevice, byId, isDue, type Ready, type Unready, writeEach } from './each.ts';
import type { Edit } from './edit.ts';
import type { Enrollment } from './enrollment.ts';
import { isFromDevice } from './given.ts';
import { Hub } from './hub.ts';
import { NAME } from './name.ts';
import { matching } from './newleaf.ts';
import { count } from './screen.ts';
import { lost } from './slots.ts';
import { groupsOf, names } from './tally.ts';

/** Whether the command line names several devices, or a condition. */
export const isEach = ({ positionals, options }: Call): boolean =>
  positionals.length !== 1 || options.where !== undefined;

/** Edits the individual enrollment of each device by what the device sends. */
export async function editEach(call: Call, edit: Edit, name: 'set-secondary' | 'promote'): Promise<number> {
  const { desk, positionals, options } = call;
  const condition = textOption(call, 'where');
  if ((condition === undefined) === (positionals.length === 0) || condition?.trim() === '') {
    throw new Misuse('Which enrollments? Their IDs, or --where CONDITION.');
  }
  if (!isFromDevice(call)) throw new Misuse('Several at once have several certificates: add --from-device.');
  const [dps, hub] = [await Dps.open(call), await Hub.open(call)];
  const ids = condition === undefined ? [...new Set(positionals)] : await matching(hub, condition);
  const devices = count(ids.length, 'device');
  const screen = screenOf(desk.out, desk.env);
  const title = `${name} for ${devices}`;
  desk.out.write(`${title}: ${safe(screen, names(ids, screen.width - title.length - 2))}\n`);

  const failed: Unready[] = [];
  const ready: Ready[] = [];
  const find = condition === undefined ? byId : byDevice;
  if (!(await askEach(call, { dps, hub }, ids, { edit, find, ready, failed })))
    throw new Failed('Nothing was changed.');
  const due = ready.filter(isDue);
  const isDry = options['dry-run'] === true;
  if (due.length > 0 && !isDry) {
    const gone = due.flatMap(({ before, after }) => lost(before.slots, after.slots)).length;
    const isAsked = condition !== undefined || gone > 0;
    const question = `Enrollments to write: ${due.length}. Certificates no longer admitted: ${gone}. Go on?`;
    if (isAsked && !(await agreed(call, question))) throw new Failed('Nothing was changed.');
    await writeEach(call, dps, due, failed);
  }

  const well = ready.filter((one) => !failed.some(({ id }) => id === one.id)).map(({ before }) => before);
  const already = ready.length - due.length;
  const counts = isDry ? `${due.length} to write` : `${well.length - already} written`;
  desk.out.write(reasons(call, failed));
  desk.out.write(`${devices}: ${counts}, ${already} so already, ${failed.length} not.\n`);
  if (isDry) desk.out.write('Nothing was changed (--dry-run).\n');
  else if (name === 'set-secondary' && well.length > 0) desk.out.write(nextOnes(condition, well));
  return failed.length === 0 ? EXIT.done : EXIT.failed;
}

/** Each reason once, with the devices that it is the reason of, and what to do. */
function reasons({ desk }: Call, failed: readonly Unready[]): string {
  const screen = screenOf(desk.out, desk.env);
  const { shown, others } = groupsOf(failed, ({ error }) => error.message);
  const told = shown.flatMap((group) => {
    const ids = group.map(({ id }) => id).toSorted();
    const { message, advice } = addressed(group[0]?.error ?? new Failed(''), ids);
    const heading = wrap(screen, printable(`${message} (${ids.length})`));
    return ['', ...heading, `  ${safe(screen, names(ids, screen.width - 2))}`, ...nextStep(advice, screen, '  ')];
  });
  return told.length === 0 ? '' : `${told.join('\n')}\n${others}\n`;
}

function nextOnes(condition: string | undefined, well: readonly Enrollment[]): string {
  const [devices, ids] = [well.map(deviceOf), well.map(({ id }) => id)].map(operands);
  const called = condition === undefined ? devices : conditioned('job', condition);
  const same = condition === undefined ? ids : conditioned('where', condition);
  return `Next: ${NAME} reprovision ${called}\nAnd when they are back: ${NAME} promote ${same} --from-device\n`;
}
