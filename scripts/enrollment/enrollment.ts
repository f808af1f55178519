import { Failed } from '../../agent/cli/kit/command.ts';
import { NAME } from './name.ts';
import { type IssuingPolicy, policyIn } from './policy.ts';
import { wordsOf } from './refusal.ts';
import type { Slot, Slots } from './slots.ts';

export type Kind = 'individual' | 'group';
export type Status = 'enabled' | 'disabled';

/** The body as DPS sends and takes it; unknown fields go back unchanged. */
export interface Body {
  readonly [field: string]: unknown;
  readonly attestation?: { readonly type?: string; readonly x509?: { readonly [kind: string]: Pair | undefined } };
  readonly provisioningStatus?: Status;
}
interface Pair {
  readonly primary?: string | Certificate;
  readonly secondary?: string | Certificate;
}
interface Certificate {
  readonly certificate?: string;
  readonly info?: {
    readonly subjectName: string;
    readonly sha256Thumbprint: string;
    readonly issuerName: string;
    readonly notAfterUtc: string;
  };
}

export interface Enrollment {
  readonly kind: Kind;
  /** Registration ID, or the name of the group. */
  readonly id: string;
  readonly status: Status;
  /** x509, symmetricKey or tpm. */
  readonly attestation: string;
  readonly slots: Slots;
  /** What is written: as it came, where nothing above says otherwise. */
  readonly body: Body;
}

export const NAMES: Readonly<Record<Kind, string>> = {
  individual: 'individual enrollment',
  group: 'enrollment group',
};

/** The next step where there is no such enrollment. */
export const enrollIt = (kind: Kind, id: string): string => {
  const add = `add ${kind}${kind === 'group' ? ` ${id}` : ''} --certificate FILE`;
  return `Enroll it: ${NAME} ${add}. See what is there: ${NAME} list ${kind}s`;
};

/** By which Azure issues leaves to its devices, if it does. */
export const policyOf = ({ body }: Enrollment): IssuingPolicy | undefined => policyIn(body);

/** Without the keys of an enrollment that attests by them. */
export const unsecret = (body: object | null): unknown =>
  JSON.parse(JSON.stringify(body), (name, value) =>
    name === 'symmetricKey' && typeof value === 'object' ? {} : value,
  );

export function enrollmentOf(kind: Kind, body: Body): Enrollment {
  const { attestation, provisioningStatus = 'enabled' } = body;
  const { x509 = {} } = attestation ?? {};
  const pair = x509.caReferences ?? x509.clientCertificates ?? x509.signingCertificates ?? {};
  const [primary, secondary] = [slotOf(pair.primary), slotOf(pair.secondary)];
  return {
    kind,
    id: String(kind === 'group' ? body.enrollmentGroupId : body.registrationId),
    status: provisioningStatus,
    attestation: attestation?.type ?? 'x509',
    slots: { ...(primary && { primary }), ...(secondary && { secondary }) },
    body,
  };
}

function slotOf(sent: string | Certificate | null | undefined): Slot | undefined {
  if (typeof sent === 'string') return { kind: 'ca', name: sent };
  const info = sent?.info;
  return (
    info && {
      kind: 'certificate',
      thumbprint: info.sha256Thumbprint.toUpperCase(),
      subject: info.subjectName,
      issuer: info.issuerName,
      notAfter: info.notAfterUtc,
      info,
    }
  );
}

export function bodyOf({ kind, status, attestation, slots, body }: Enrollment): object {
  const { registrationState: _, ...rest } = body;
  const { primary, secondary } = slots;
  if (attestation !== 'x509') return { ...rest, provisioningStatus: status };
  const isCa = (primary ?? secondary)?.kind === 'ca';
  const name = isCa ? 'caReferences' : kind === 'group' ? 'signingCertificates' : 'clientCertificates';
  const pair = {
    ...(primary && { primary: sentAs(primary) }),
    ...(secondary && { secondary: sentAs(secondary) }),
  };
  return { ...rest, attestation: { type: 'x509', x509: { [name]: pair } }, provisioningStatus: status };
}

const sentAs = (slot: Slot): unknown =>
  slot.kind === 'ca' ? slot.name : slot.pem === undefined ? { info: slot.info } : { certificate: slot.pem };

/**
 * It is not documented whether DPS takes `info` for a certificate that it holds (az iot dps sends it so, in its place). Where
 * it does not, only the certificate itself helps.
 */
export function unreadable({ primary, secondary }: Slots, error: unknown): Failed {
  const missing = [primary, secondary].flatMap((slot) =>
    slot?.kind === 'certificate' && slot.pem === undefined ? [slot.thumbprint.slice(0, 8)] : [],
  );
  const words = wordsOf(error);
  return new Failed(
    missing.length === 0
      ? `DPS refuses (400): ${words}`
      : `DPS refuses (400), and may want the certificate itself, which it never gives back: repeat with --pem FILE for ${missing.join(' and ')}. (${words})`,
    { cause: error },
  );
}
