import { CommandError, Failed, Misuse, nextStep, textOption } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { printable, safe, screenOf, wrap } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { atOnce } from './at-once.ts';
import { agreed, type Call } from './command.ts';
import { interruptible } from './desk.ts';
import { addressed, conditioned, deviceOf, operands, type Sent, sentBy } from './device.ts';
import { Dps, type Enrollment } from './dps.ts';
import { type Edit, edited, x509 } from './edit.ts';
import { isFromDevice } from './given.ts';
import { Hub } from './hub.ts';
import { NAME } from './name.ts';
import { matching } from './newleaf.ts';
import { count } from './screen.ts';
import { Silence } from './silence.ts';
import { lost, sameSlots } from './slots.ts';
import { groupsOf, names } from './tally.ts';

/** Devices that are asked, and enrollments that are written, at the same time: far below the limits of hub and DPS. */
const AT_ONCE = 4;
const REPEAT = 'Repeat the same command: what is done stays.';

interface Ready {
  readonly id: string;
  readonly before: Enrollment;
  readonly after: Enrollment;
}

interface Unready {
  readonly id: string;
  readonly error: CommandError;
}

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
  const isWhole = await counted(
    call,
    'asked',
    ids.map((id) => ({ id })),
    failed,
    async ({ id }) => {
      const [before, sent] = condition === undefined ? await byId(dps, hub, id) : await byDevice(dps, hub, id);
      const after = await edited(call, before, await edit.slots(call, before, sent), sent);
      ready.push({ id, before, after });
    },
  );
  if (!isWhole) throw new Failed('Nothing was changed.');
  const due = ready.filter(({ before, after }) => !sameSlots(before.slots, after.slots));
  const isDry = options['dry-run'] === true;
  if (due.length > 0 && !isDry) {
    const gone = due.flatMap(({ before, after }) => lost(before.slots, after.slots)).length;
    const isAsked = condition !== undefined || gone > 0;
    const question = `Enrollments to write: ${due.length}. Certificates no longer admitted: ${gone}. Go on?`;
    if (isAsked && !(await agreed(call, question))) throw new Failed('Nothing was changed.');
    await counted(call, 'written', due, failed, async ({ after }) => void (await dps.write(after)));
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

type Asked = readonly [before: Enrollment, sent: Sent];

async function byId(dps: Dps, hub: Hub, id: string): Promise<Asked> {
  const before = await enrolled(dps, id);
  return [before, await sentBy(hub, deviceOf(before))];
}

/** The hub knows the name of the device, and only the device knows its registration ID. */
async function byDevice(dps: Dps, hub: Hub, deviceId: string): Promise<Asked> {
  const sent = await sentBy(hub, deviceId);
  const before = await enrolled(dps, sent.registrationId);
  // Or a device could have its own key enrolled in the place of another's.
  if (deviceOf(before) !== deviceId) throw new Failed('The device claims the enrollment of another device.');
  return [before, sent];
}

async function enrolled(dps: Dps, id: string): Promise<Enrollment> {
  const found = await dps.find('individual', id);
  if (found === undefined) throw new Failed('DPS has no individual enrollment of this name.');
  return x509(found);
}

/** Works on each with a bar; what fails is kept with its reason. False where Ctrl-C has come before the end. */
async function counted<T extends Pick<Ready, 'id'>>(
  { desk }: Call,
  label: string,
  all: readonly T[],
  failed: Unready[],
  work: (one: T) => Promise<void>,
): Promise<boolean> {
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), label);
  const before = failed.length;
  const silence = new Silence();
  let done = 0;
  return interruptible(desk, async (enough) => {
    const begun = async (one: T): Promise<void> => {
      if (enough.aborted) throw new Failed('Interrupted before.', { advice: REPEAT });
      if (silence.isLasting) throw new Failed('Not begun, because the other side was down.', { advice: REPEAT });
      await silence.during(() => work(one));
    };
    await atOnce(AT_ONCE, all, async (one) => {
      await begun(one).catch((error: unknown) => {
        if (!(error instanceof CommandError)) throw error;
        failed.push({ id: one.id, error });
      });
      done += 1;
      const unwell = failed.length - before;
      progress.show(done, all.length, unwell === 0 ? '' : `${unwell} not`);
    }).finally(() => progress.end());
    if (silence.isLasting) desk.err.write(`${silence.words}\n`);
    return !enough.aborted;
  });
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
