import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import { certificateIn } from './certificate.ts';
import { change } from './change.ts';
import { type Call, only } from './command.ts';
import { Dps, type Enrollment, enrollIt } from './dps.ts';
import { slotDemanded, slotGiven, withPems } from './given.ts';
import { slotText } from './screen.ts';
import { demandOneKind, lost, promoted, rolled, type Slots, type Which, without, withSecondary } from './slots.ts';

/** An enrollment with X.509 of this name: --group or --individual decides where there are both. */
async function named(call: Call, dps: Dps): Promise<Enrollment> {
  const id = only(call);
  const { options } = call;
  const kinds = (['individual', 'group'] as const).filter((kind) => options[kind] === true);
  const looked = await Promise.all(
    (kinds.length === 0 ? (['individual', 'group'] as const) : kinds).map((kind) => dps.find(kind, id)),
  );
  const [found, other] = looked.filter((one) => one !== undefined);
  if (found === undefined) {
    const advice = enrollIt(options.group === true ? 'group' : 'individual');
    throw new Failed(`DPS has no enrollment "${id}".`, { advice });
  }
  if (other !== undefined) {
    throw new Misuse(`"${id}" is an individual enrollment and a group: say --individual or --group.`);
  }
  return x509(found);
}

function x509(enrollment: Enrollment): Enrollment {
  if (enrollment.attestation !== 'x509') {
    throw new Failed(`The enrollment "${enrollment.id}" attests by ${enrollment.attestation}, not by X.509.`);
  }
  return enrollment;
}

interface Edit {
  readonly before: Enrollment;
  readonly slots: Slots;
  readonly done: string;
}

/** Shows and writes the new pair; asks where a certificate is no longer admitted. */
async function edit(call: Call, dps: Dps, { before, slots, done }: Edit): Promise<number> {
  demandOneKind(slots);
  const gone = lost(before.slots, slots);
  const after = { ...before, slots: await withPems(slots, call) };
  const question = `No longer admitted: ${gone.map(slotText).join('; ')}. Go on?`;
  return change(call, dps, { before, after, done, question: gone.length > 0 ? question : undefined });
}

/** The command that calls the devices back. */
const comeBack = ({ kind, id }: Enrollment): string =>
  kind === 'individual' ? `enroll reprovision ${id}` : 'enroll reprovision --job CONDITION';

/** `enroll set-secondary ID --certificate FILE | --ca NAME` */
export async function setSecondary(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  const before = await named(call, dps);
  const slots = withSecondary(before.slots, await slotDemanded(call, before));
  const next = before.kind === 'individual' ? `roll the device (or: ${comeBack(before)})` : 'let the members roll';
  return edit(call, dps, {
    before,
    slots,
    done: `Both are admitted. Next: ${next}, and when the old one is out of use: enroll promote ${before.id}`,
  });
}

/** `enroll promote ID` */
export async function promote(call: Call): Promise<number> {
  const dps = await Dps.open(call);
  const before = await named(call, dps);
  return edit(call, dps, { before, slots: promoted(before.slots), done: refusedFromNow(before) });
}

/** `enroll remove-current primary|secondary|both ID [--certificate NEW | --ca NAME]` */
export function removeCurrent(which: Which): (call: Call) => Promise<number> {
  return async (call) => {
    const dps = await Dps.open(call);
    const before = await named(call, dps);
    const slots = without(before.slots, which, await slotGiven(call, before));
    return edit(call, dps, { before, slots, done: refusedFromNow(before) });
  };
}

/** DPS refuses new registrations only: a connected device stays connected (how-to-roll-certificates). */
const refusedFromNow = (before: Enrollment): string =>
  `From now on DPS refuses what was removed. A hub that knows it still lets it in, until the device registers again (${comeBack(before)}) or is forgotten (enroll forget DEVICE).`;

/** `enroll roll-group root|intermediate NAME --certificate FILE | --ca NAME [--at-once]` */
export function rollGroup(what: 'root' | 'intermediate'): (call: Call) => Promise<number> {
  return async (call) => {
    const dps = await Dps.open(call);
    const before = x509(await dps.get('group', only(call)));
    const next = await slotDemanded(call, before);
    await demandLevel(textOption(call, 'certificate'), what);
    const atOnce = call.options['at-once'] === true;
    const slots = rolled(before.slots, next, atOnce);
    const both = `Both are admitted. Next: let every member roll to a leaf of the new ${what} (${comeBack(before)} --action roll), then: enroll promote ${before.id}`;
    return edit(call, dps, { before, slots, done: atOnce ? refusedFromNow(before) : both });
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
