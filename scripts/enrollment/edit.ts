import { Failed, Misuse } from '../../agent/cli/kit/command.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { change } from './change.ts';
import { type Call, only } from './command.ts';
import { addressed, deviceOf, OF_GROUP, type Sent, sentBy } from './device.ts';
import { Dps } from './dps.ts';
import { type Enrollment, enrollIt } from './enrollment.ts';
import { isFromDevice, withPems } from './given.ts';
import { Hub } from './hub.ts';
import { NAME } from './name.ts';
import { slotText } from './screen.ts';
import { demandOneKind, lost, type Slots, sameSlots } from './slots.ts';

/** How a command changes the certificates of an enrollment. */
export interface Edit {
  /** The new pair. @throws Failed where it cannot be */
  readonly slots: (call: Call, before: Enrollment, sent?: Sent) => Slots | Promise<Slots>;
  /** Said at the end: the new situation, and the next step. */
  readonly done: (before: Enrollment, sent?: Sent) => string;
  /** Said before the question, of what a device has sent. */
  readonly warning?: (sent: Sent) => string;
}

/** Edits one enrollment: shows it, and asks where a certificate is no longer admitted. */
export async function editOne(call: Call, edit: Edit): Promise<number> {
  const isAsked = isFromDevice(call);
  const dps = await Dps.open(call);
  const before = await named(call, dps);
  const sent = isAsked ? await askDevice(call, before) : undefined;
  const slots = await addressing(before, async () => edit.slots(call, before, sent));
  if (sent !== undefined && sameSlots(before.slots, slots)) {
    call.desk.out.write(`The enrollment of ${before.id} is so already.\n`);
    return EXIT.done;
  }
  const warning = sent && edit.warning?.(sent);
  return writePair(call, dps, { before, slots, done: edit.done(before, sent), sent, warning });
}

async function askDevice(call: Call, before: Enrollment): Promise<Sent> {
  if (before.kind === 'group') throw new Misuse('--from-device is for individual enrollments: a group takes a CA.');
  const hub = await Hub.open(call);
  return addressing(before, () => sentBy(hub, deviceOf(before)));
}

async function addressing<T>(before: Enrollment, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Failed ? addressed(error, [deviceOf(before)], [before.id]) : error;
  }
}

interface Pair {
  readonly before: Enrollment;
  readonly slots: Slots;
  readonly done: string;
  readonly sent?: Sent | undefined;
  readonly warning?: string | undefined;
}

/** Shows and writes the new pair; asks where a certificate is no longer admitted. */
export async function writePair(call: Call, dps: Dps, { before, slots, done, sent, warning }: Pair): Promise<number> {
  const gone = lost(before.slots, slots);
  const after = await edited(call, before, slots, sent);
  const words = [`No longer admitted: ${gone.map(slotText).join('; ')}.`, ...(warning ? [warning] : []), 'Go on?'];
  return change(call, dps, { before, after, done, question: gone.length > 0 ? words.join(' ') : undefined });
}

/** The enrollment with the new pair, and with every certificate of it that is at hand. */
export async function edited(call: Call, before: Enrollment, slots: Slots, sent?: Sent): Promise<Enrollment> {
  demandOneKind(slots);
  const certificates = [sent?.leaf, sent?.next].filter((one) => one !== undefined);
  return { ...before, slots: await withPems(slots, call, certificates) };
}

/** An enrollment with X.509 of this name. */
async function named(call: Call, dps: Dps): Promise<Enrollment> {
  const found = await anyNamed(call, dps);
  return addressing(found, async () => x509(found));
}

/** An enrollment of this name: --group or --individual decides where there are both. */
export async function anyNamed(call: Call, dps: Dps): Promise<Enrollment> {
  const id = only(call);
  const { options } = call;
  const kinds = (['individual', 'group'] as const).filter((kind) => options[kind] === true);
  const looked = await Promise.all(
    (kinds.length === 0 ? (['individual', 'group'] as const) : kinds).map((kind) => dps.find(kind, id)),
  );
  const [found, other] = looked.filter((one) => one !== undefined);
  if (found === undefined) {
    const advice = enrollIt(options.group === true ? 'group' : 'individual', id);
    throw new Failed(`DPS has no enrollment "${id}".`, { advice: options['from-device'] === true ? OF_GROUP : advice });
  }
  if (other !== undefined) {
    throw new Misuse(`"${id}" is an individual enrollment and a group: say --individual or --group.`);
  }
  return found;
}

/** Of an enrollment that holds certificates, and is disabled. */
export const BARRED = 'The enrollment is disabled: DPS admits neither certificate.';

/** The sentences name no device. @throws Failed where it attests by something else */
export function x509(enrollment: Enrollment): Enrollment {
  const { attestation, status } = enrollment;
  if (attestation === 'x509') return enrollment;
  // As `disallow member` makes it.
  if (status === 'disabled') {
    throw new Failed(`The enrollment is disabled, and bars the device (it attests by ${attestation}).`, {
      advice: `Admit each as a member of its group again: ${NAME} allow member ANY`,
    });
  }
  throw new Failed(`The enrollment attests by ${attestation}, not by X.509.`);
}
