import { Failed } from '../../agent/cli/kit/command.ts';
import { NAME } from './name.ts';

/** A certificate of an enrollment. DPS tells its name and thumbprint, and never gives the certificate back. */
export interface CertificateSlot {
  readonly kind: 'certificate';
  /** SHA-256, upper-case hex. */
  readonly thumbprint: string;
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly notAfter: string;
  /** Present where the operator gave it. */
  readonly pem?: string;
  /** The description that DPS sent: sent back, it means the certificate that DPS holds. */
  readonly info?: unknown;
}

/** A verified CA of the DPS instance, by its name there. */
export interface CaSlot {
  readonly kind: 'ca';
  readonly name: string;
}

export type Slot = CertificateSlot | CaSlot;

/** The certificates that an enrollment admits. Without both, DPS refuses the enrollment. */
export interface Slots {
  readonly primary?: Slot;
  readonly secondary?: Slot;
}

export type Which = 'primary' | 'secondary' | 'both';

export const sameSlot = (one: Slot | undefined, other: Slot | undefined): boolean =>
  one === undefined || other === undefined ? one === other : keyOf(one) === keyOf(other);

export const sameSlots = (one: Slots, other: Slots): boolean =>
  sameSlot(one.primary, other.primary) && sameSlot(one.secondary, other.secondary);

const keyOf = (slot: Slot): string => (slot.kind === 'ca' ? `ca ${slot.name}` : slot.thumbprint);

/** The new one beside the primary: both are admitted. */
export function withSecondary({ primary }: Slots, added: Slot): Slots {
  demandNew({ ...(primary && { primary }) }, added);
  return { ...(primary && { primary }), secondary: added };
}

/** The secondary alone, in the first place; the primary is no longer admitted. */
export function promoted({ secondary }: Slots): Slots {
  if (secondary === undefined) {
    throw new Failed(`There is no secondary to promote. Put it there first: ${NAME} set-secondary.`);
  }
  return { primary: secondary };
}

/** Without one or both of them; `replacement` takes the place of the primary, or of the secondary if only that goes. */
export function without(slots: Slots, which: Which, replacement?: Slot): Slots {
  for (const place of which === 'both' ? (['primary', 'secondary'] as const) : [which]) {
    if (slots[place] === undefined && which !== 'both') throw new Failed(`There is no ${place} to remove.`);
  }
  if (replacement !== undefined) demandNew(slots, replacement);
  const kept = which === 'both' ? undefined : which === 'primary' ? slots.secondary : slots.primary;
  if (kept === undefined && replacement === undefined) {
    throw new Failed(
      `An enrollment needs a certificate: give the new one (--certificate FILE or --ca NAME), or bar it (${NAME} disallow).`,
    );
  }
  if (which === 'secondary') return { ...(kept && { primary: kept }), ...(replacement && { secondary: replacement }) };
  return { ...(replacement && { primary: replacement }), ...(kept && { secondary: kept }) };
}

/** The new CA beside the old one, or alone. */
export function rolled(slots: Slots, next: Slot, atOnce: boolean): Slots {
  demandNew(slots, next);
  if (atOnce) return { primary: next };
  return slots.primary === undefined
    ? { primary: next, ...(slots.secondary && { secondary: slots.secondary }) }
    : { primary: slots.primary, secondary: next };
}

/** Certificates that are no longer admitted. */
export function lost(before: Slots, after: Slots): Slot[] {
  const kept = [after.primary, after.secondary];
  return [before.primary, before.secondary].filter(
    (slot): slot is Slot => slot !== undefined && !kept.some((one) => sameSlot(one, slot)),
  );
}

function demandNew(slots: Slots, added: Slot): void {
  const held = [slots.primary, slots.secondary].filter((slot) => slot !== undefined);
  if (held.some((slot) => sameSlot(slot, added))) throw new Failed('The enrollment holds this one already.');
}

/** Certificates and names of CAs cannot stand side by side in one enrollment. */
export function demandOneKind({ primary, secondary }: Slots): void {
  if (primary !== undefined && secondary !== undefined && primary.kind !== secondary.kind) {
    throw new Failed(
      'A group holds certificates (--certificate) or names of verified CAs (--ca), not one of each. Roll it with --at-once.',
    );
  }
}
