import { randomBytes } from 'node:crypto';
import { Failed, textOption } from '../../agent/cli/kit/command.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { certificateIn, demandLeaf, type Given } from './certificate.ts';
import { change } from './change.ts';
import { type Call, only } from './command.ts';
import { Dps } from './dps.ts';
import { type Enrollment, enrollIt, type Kind, NAMES, type Status } from './enrollment.ts';
import { withPems } from './given.ts';
import { NAME } from './name.ts';
import { sameSlot } from './slots.ts';

/** Disallowing stops registrations; the hub does not learn of it (how-to-revoke-device-access-portal). */
const stillConnected = (device: string): string =>
  `The hub still lets it in: ${NAME} disable-identity ${device} (or ${NAME} forget ${device}).`;

/** `enroll disallow device ID`, `enroll disallow group NAME`, and `allow` of both. */
export function setStatus(kind: Kind, status: Status): (call: Call) => Promise<number> {
  return async (call) => {
    const dps = await Dps.open(call);
    const id = only(call);
    const before = await dps.find(kind, id);
    if (before === undefined) {
      const member =
        status === 'disabled'
          ? `If it is a member of a group: ${NAME} disallow member ${id}. `
          : `So no enrollment of its own bars it: see its group (${NAME} list groups). `;
      throw new Failed(`DPS has no ${NAMES[kind]} "${id}".`, {
        advice: `${kind === 'individual' ? member : ''}${enrollIt(kind, id)}`,
      });
    }
    const device = kind === 'individual' ? String(before.body.deviceId ?? id) : 'DEVICE';
    const barred = `DPS no longer admits ${id}. ${stillConnected(device)}`;
    const done =
      status === 'disabled'
        ? barred
        : `DPS admits ${id} again. It comes back by itself, or at once by: newleaf reprovision`;
    return change(call, dps, {
      before,
      after: { ...before, status, slots: await withPems(before.slots, call) },
      question: status === 'disabled' ? `Bar ${id} from registering?` : undefined,
      done,
    });
  };
}

/**
 * `enroll disallow member DEVICE [--certificate LEAF]`: a disabled individual enrollment takes precedence over the group. With
 * the leaf it bars that leaf for certain; without, it holds a symmetric key that is discarded, and bars by its ID.
 */
export async function disallowMember(call: Call): Promise<number> {
  const id = only(call);
  const file = textOption(call, 'certificate');
  const leaf = file === undefined ? undefined : await certificateIn(file);
  if (leaf !== undefined) demandLeaf(leaf, id, call.desk.now());
  const dps = await Dps.open(call);
  const own = await dps.find('individual', id);
  if (own?.status === 'disabled') return barredAlready(call, own, leaf);
  if (own !== undefined) {
    throw new Failed(`"${id}" has an individual enrollment of its own: ${NAME} disallow device ${id}`);
  }
  const key = (): string => randomBytes(64).toString('base64');
  const attestation = { type: 'symmetricKey', symmetricKey: { primaryKey: key(), secondaryKey: key() } };
  const after: Enrollment = {
    kind: 'individual',
    id,
    status: 'disabled',
    attestation: leaf === undefined ? 'symmetricKey' : 'x509',
    slots: leaf === undefined ? {} : { primary: leaf },
    body: { registrationId: id, ...(leaf === undefined && { attestation }) },
  };
  const known = await dps.registration(id);
  const barred = `DPS no longer admits ${id}, whatever its group.`;
  // Without any record of it, a misspelt name looks like a device that is yet to come.
  const unknown = `No device has registered as ${id} so far. If the name is misspelt: ${NAME} allow member ${id}`;
  return change(call, dps, {
    after,
    question: `Bar ${id} from registering?`,
    done: `${barred} ${known === undefined ? unknown : stillConnected(known.deviceId ?? id)}`,
  });
}

/** @param leaf the one to bar, where it is given */
function barredAlready({ desk }: Call, { id, slots }: Enrollment, leaf: Given | undefined): number {
  if (leaf !== undefined && !sameSlot(slots.primary, leaf)) {
    throw new Failed(`"${id}" has a disabled individual enrollment, which does not hold this leaf.`, {
      advice: `Allow it, and repeat at once: ${NAME} allow member ${id}`,
    });
  }
  desk.out.write(`"${id}" has a disabled individual enrollment already: nothing to change. ${stillConnected(id)}\n`);
  return EXIT.done;
}

/** `enroll allow member DEVICE`: deletes the enrollment that bars it; the group decides again. */
export async function allowMember(call: Call): Promise<number> {
  const id = only(call);
  const dps = await Dps.open(call);
  const before = await dps.get('individual', id);
  if (before.status === 'enabled') {
    throw new Failed(`The individual enrollment "${id}" is enabled: it bars no device, and the device may need it.`);
  }
  return change(call, dps, {
    before,
    question: `Delete the enrollment that bars ${id}?`,
    done: `The group of ${id} decides again. It comes back by itself, or at once by: newleaf reprovision`,
  });
}
