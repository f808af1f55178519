import { CommandError, Failed } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { atOnce } from './at-once.ts';
import type { Call } from './command.ts';
import { interruptible } from './desk.ts';
import { deviceOf, OF_GROUP, type Sent, sentBy } from './device.ts';
import type { Dps } from './dps.ts';
import { type Edit, edited, x509 } from './edit.ts';
import type { Enrollment } from './enrollment.ts';
import type { Hub } from './hub.ts';
import { statusOf } from './refusal.ts';
import { Silence } from './silence.ts';
import { sameSlots } from './slots.ts';

/** Devices that are asked, and enrollments that are written, at the same time: far below the limits of hub and DPS. */
const AT_ONCE = 4;
const REPEAT = 'Repeat the same command: what is done stays.';

/** An enrollment that may be written. */
export interface Ready {
  readonly id: string;
  readonly before: Enrollment;
  readonly after: Enrollment;
}

/** An enrollment that is not edited. */
export interface Unready {
  readonly id: string;
  readonly error: CommandError;
}

/** Both sides, where devices are asked and enrollments are written. */
export interface Sides {
  readonly dps: Dps;
  readonly hub: Hub;
}

interface Asking {
  readonly edit: Edit;
  readonly find: (sides: Sides, id: string) => Promise<Asked>;
  /** Gets those that may be written. */
  readonly ready: Ready[];
  readonly failed: Unready[];
}

/** What each enrollment is to become, by what its device sends. False after Ctrl-C. */
export function askEach(
  call: Call,
  sides: Sides,
  ids: readonly string[],
  { edit, find, ready, failed }: Asking,
): Promise<boolean> {
  const each = ids.map((id) => ({ id }));
  return counted(call, 'asked', each, failed, async ({ id }) => {
    const [before, sent] = await find(sides, id);
    const after = await edited(call, before, await edit.slots(call, before, sent), sent);
    ready.push({ id, before, after });
  });
}

export const isDue = ({ before, after }: Ready): boolean => !sameSlots(before.slots, after.slots);

/** Writes those that are due. False after Ctrl-C. */
export const writeEach = (call: Call, dps: Dps, due: readonly Ready[], failed: Unready[]): Promise<boolean> =>
  counted(call, 'written', due, failed, async ({ before, after }) => {
    await dps.write(after).catch(async (error: unknown) => {
      // Another operator who goes on with the same waves may have written the same.
      const isChanged = error instanceof Failed && statusOf(error.cause) === 412;
      const now = isChanged ? await dps.find(before.kind, before.id) : undefined;
      if (now === undefined || !sameSlots(now.slots, after.slots)) throw error;
    });
  });

type Asked = readonly [before: Enrollment, sent: Sent];

export async function byId({ dps, hub }: Sides, id: string): Promise<Asked> {
  const before = await enrolled(dps, id);
  return [before, await sentBy(hub, deviceOf(before))];
}

/** The hub knows the name of the device, and only the device knows its registration ID. */
export async function byDevice({ dps, hub }: Sides, deviceId: string): Promise<Asked> {
  const sent = await sentBy(hub, deviceId);
  const before = await enrolled(dps, sent.registrationId);
  // Or a device could have its own key enrolled in the place of another's.
  if (deviceOf(before) !== deviceId) throw new Failed('The device claims the enrollment of another device.');
  return [before, sent];
}

async function enrolled(dps: Dps, id: string): Promise<Enrollment> {
  const found = await dps.find('individual', id);
  if (found === undefined) throw new Failed('DPS has no individual enrollment of this name.', { advice: OF_GROUP });
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
