import { Misuse, textOption, textsOption } from '../../agent/cli/kit/command.ts';
import { flagged, valued } from '../../agent/cli/kit/tool.ts';
import { certificateIn, demandCa, demandLeaf, type Given } from './certificate.ts';
import type { Call } from './command.ts';
import type { Enrollment } from './enrollment.ts';
import type { Slot, Slots } from './slots.ts';

/** Options that name a certificate. */
export const CERTIFICATE = {
  certificate: valued('FILE', 'The certificate, PEM: the leaf of a device, or the CA of a group.'),
  ca: valued('NAME', 'A verified CA of the DPS instance, by its name there. For groups.'),
} as const;

export const FROM_DEVICE = {
  'from-device': flagged('Ask the device for its certificates, over the hub. For individual enrollments.'),
} as const;

export const HELD = {
  pem: {
    ...valued('FILE', 'A certificate that stays in the enrollment, should DPS want it again. May be repeated.'),
    multiple: true,
  },
} as const;

/** Which of two enrollments with one name. */
export const WHICH = {
  individual: flagged('The individual enrollment of this name.'),
  group: flagged('The enrollment group of this name.'),
} as const;

/** @throws Misuse where another certificate is named as well */
export function isFromDevice({ options }: Call): boolean {
  if (options['from-device'] !== true) return false;
  const [other] = Object.keys(CERTIFICATE).filter((name) => options[name] !== undefined);
  if (other !== undefined) throw new Misuse(`--from-device and --${other} exclude each other.`);
  return true;
}

/** The certificate for an enrollment: a leaf for an individual one, a CA for a group. */
export interface Wanted {
  readonly kind: Enrollment['kind'];
  readonly id: string;
}

/**
 * The certificate named by --certificate or --ca (or by options with other names), checked for its purpose.
 * @throws Misuse where both are named, or it does not fit
 */
export async function slotGiven(
  call: Call,
  { kind, id }: Wanted,
  names: { readonly certificate: string; readonly ca: string } = { certificate: 'certificate', ca: 'ca' },
): Promise<Slot | undefined> {
  const file = textOption(call, names.certificate);
  const ca = textOption(call, names.ca);
  if (file !== undefined && ca !== undefined) {
    throw new Misuse(`--${names.certificate} and --${names.ca} exclude each other.`);
  }
  if (ca !== undefined) {
    if (kind === 'individual') {
      throw new Misuse(`--${names.ca} is for groups: an individual enrollment takes the leaf itself.`);
    }
    return { kind: 'ca', name: ca };
  }
  if (file === undefined) return undefined;
  const given = await certificateIn(file);
  if (kind === 'individual') demandLeaf(given, id, call.desk.now());
  else demandCa(given, call.desk.now());
  return given;
}

/** @throws Misuse where none is named */
export async function slotDemanded(call: Call, wanted: Wanted): Promise<Slot> {
  const slot = await slotGiven(call, wanted);
  if (slot === undefined) {
    const ways = wanted.kind === 'group' ? '--certificate FILE, or --ca NAME' : '--from-device, or --certificate FILE';
    throw new Misuse(`Which one? ${ways}`);
  }
  return slot;
}

/** Said of a CA that is not in DPS by its name. DPS takes one that nothing proves, and then refuses each leaf: "CA certificate not found". */
export const rootNeeded = (kind: Enrollment['kind'], slot: Slot): string =>
  kind === 'group' && slot.kind === 'certificate'
    ? ' DPS refuses its leaves until the root above it is verified in DPS, once: portal, Certificates; or `az iot dps certificate create --verified true`.'
    : '';

/** The slots with the certificates filled in that --pem names, or that a device has sent. */
export async function withPems(slots: Slots, call: Call, sent: readonly Given[] = []): Promise<Slots> {
  const given = [...sent, ...(await Promise.all(textsOption(call, 'pem').map(certificateIn)))];
  const filled = (slot: Slot): Slot => {
    const found = slot.kind === 'certificate' && given.find(({ thumbprint }) => thumbprint === slot.thumbprint);
    return found ? { ...slot, pem: found.pem } : slot;
  };
  const { primary, secondary } = slots;
  return { ...(primary && { primary: filled(primary) }), ...(secondary && { secondary: filled(secondary) }) };
}
