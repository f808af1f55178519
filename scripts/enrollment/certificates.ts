import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { certificateIn } from './certificate.ts';
import { type Call, only } from './command.ts';
import { deviceOf, nextOf, Unenrolled } from './device.ts';
import { Dps } from './dps.ts';
import { BARRED, type Edit, editOne, writePair, x509 } from './edit.ts';
import type { Enrollment } from './enrollment.ts';
import { isFromDevice, rootNeeded, slotDemanded, slotGiven } from './given.ts';
import { Hub } from './hub.ts';
import { editEach, isEach } from './many.ts';
import { NAME } from './name.ts';
import { promoted, rolled, sameSlot, type Which, without, withSecondary } from './slots.ts';
import { demandUnused, membersOf, thenMembers } from './waves/group.ts';
import { leafByLeaf, type Prepare } from './waves/leaf-by-leaf.ts';
import { beginWaves } from './waves/waves.ts';

/** The command that calls the devices back. */
const comeBack = (enrollment: Enrollment): string =>
  enrollment.kind === 'individual'
    ? `${NAME} reprovision ${deviceOf(enrollment)}`
    : `${NAME} reprovision --job CONDITION`;

/** What `allow` and `disallow` call an enrollment. */
const scopeOf = ({ kind }: Enrollment): string => (kind === 'group' ? 'group' : 'device');

const ADMITTED: Edit = {
  async slots(call, before, sent) {
    const { slots } = before;
    if (sent === undefined) return withSecondary(slots, await slotDemanded(call, before));
    const { leaf, next } = sent;
    // Enrolled before, or moved over already: the same command again finds it done.
    if ([slots.primary, slots.secondary].some((one) => next !== undefined && sameSlot(one, next))) return slots;
    if (next === undefined && leaf !== undefined && sameSlot(slots.secondary, leaf)) return slots;
    return withSecondary(slots, nextOf(sent, before, call.desk.now()));
  },
  done(before, sent) {
    const roll = before.kind === 'individual' ? `roll the device (or: ${comeBack(before)})` : 'let the members roll';
    const [next, more] = sent === undefined ? [roll, ''] : [comeBack(before), ' --from-device'];
    if (before.status === 'disabled')
      return `${BARRED} Allow it: ${NAME} allow ${scopeOf(before)} ${before.id}. Next: ${next}`;
    return `Both are admitted. Next: ${next}, and when the old one is out of use: ${NAME} promote ${before.id}${more}`;
  },
};

/** `enroll set-secondary ID --certificate FILE | --ca NAME`, `enroll set-secondary ID… | --where CONDITION --from-device` */
export const setSecondary = (call: Call): Promise<number> =>
  isEach(call) ? editEach(call, ADMITTED, 'set-secondary') : editOne(call, ADMITTED);

const PROMOTED: Edit = {
  async slots(call, before, sent) {
    const { slots } = before;
    if (before.kind === 'group') await demandUnused(call, before);
    const isOver = sent !== undefined && slots.secondary === undefined;
    const after = isOver ? slots : promoted(slots);
    if (sent === undefined) return after;
    const { leaf, next } = sent;
    const isUsed = leaf !== undefined && sameSlot(after.primary, leaf);
    const isHeld = next !== undefined && [slots.primary, slots.secondary].some((one) => sameSlot(one, next));
    // With a leaf that waits, one enrolled leaf in use is the old one: nothing has been promoted.
    if (next !== undefined && !isHeld && (isOver || !isUsed)) throw new Unenrolled(next.thumbprint);
    if (isUsed) return after;
    throw new Failed('The device uses another leaf.', {
      advice: `Have it move over first: ${NAME} reprovision DEVICE`,
    });
  },
  done: (before) => refusedFromNow(before),
};

/** For requests in waves that promote each enrollment before its device is called. */
export const promoting = (call: Call, hub: Hub): Promise<Prepare> => leafByLeaf(call, hub, PROMOTED);

/** `enroll promote ID [--from-device]`, `enroll promote ID… | --where CONDITION | --job CONDITION --first SIZE --from-device` */
export async function promote(call: Call): Promise<number> {
  const condition = membersOf(call);
  if (condition !== undefined && isFromDevice(call)) {
    if (call.positionals.length > 0 || call.options.where !== undefined) {
      throw new Misuse('--job says which devices, so leave IDs and --where out.');
    }
    const hub = await Hub.open(call);
    return beginWaves(call, hub, 'register', condition, await promoting(call, hub));
  }
  if (isEach(call)) return editEach(call, PROMOTED, 'promote');
  return thenMembers(call, 'register', await editOne(call, PROMOTED));
}

/** `enroll remove-current primary|secondary|both ID [--certificate NEW | --ca NAME | --from-device]` */
export function removeCurrent(which: Which): (call: Call) => Promise<number> {
  return (call) =>
    editOne(call, {
      slots: async (_, before, sent) =>
        without(
          before.slots,
          which,
          sent === undefined ? await slotGiven(call, before) : nextOf(sent, before, call.desk.now()),
        ),
      done: (before) => refusedFromNow(before),
      warning: ({ next }) =>
        `Admitted in its place: ${next?.thumbprint}. A thief with the old leaf could have sent it: compare it with \`newleaf status\` on the device.`,
    });
}

/** DPS refuses new registrations only: a connected device stays connected (how-to-roll-certificates). */
function refusedFromNow(before: Enrollment): string {
  const device = before.kind === 'individual' ? deviceOf(before) : 'DEVICE';
  return `From now on DPS refuses what was removed. A hub that knows it still lets it in, until the device registers again (${comeBack(before)}) or is forgotten (${NAME} forget ${device}).`;
}

/** `enroll roll-group root|intermediate NAME --certificate FILE | --ca NAME [--at-once]` */
export function rollGroup(what: 'root' | 'intermediate'): (call: Call) => Promise<number> {
  return async (call) => {
    const areCalled = membersOf(call) !== undefined;
    const dps = await Dps.open(call);
    const before = x509(await dps.get('group', only(call)));
    const next = await slotDemanded(call, before);
    await demandLevel(textOption(call, 'certificate'), what);
    const atOnce = call.options['at-once'] === true;
    const slots = rolled(before.slots, next, atOnce);
    const roll = `let every member roll to a leaf of the new ${what} (${comeBack(before)} --action roll), then: `;
    const both = `Both are admitted. ${areCalled ? 'When all are proven: ' : `Next: ${roll}`}${NAME} promote ${before.id}.${rootNeeded(before.kind, next)}`;
    const written = await writePair(call, dps, { before, slots, done: atOnce ? refusedFromNow(before) : both });
    return thenMembers(call, 'roll', written);
  };
}

/** A root signs itself, an intermediate does not: the commonest mistake is to take the other file. */
async function demandLevel(file: string | undefined, what: 'root' | 'intermediate'): Promise<void> {
  if (file !== undefined) {
    const { isSelfIssued, subject } = await certificateIn(file);
    if (isSelfIssued !== (what === 'root')) {
      throw new Misuse(`${file} is ${isSelfIssued ? 'a root' : 'an intermediate'}, not the ${what}: ${subject}.`);
    }
  }
}
