import type { X509Certificate } from 'node:crypto';
import { thumbprintOf } from './ca.ts';
import { certificatesOf, type Enrollment, type Enrollments } from './enrollments.ts';
import { type Presented, signedBy, validAt } from './presented.ts';
import type { Thumbprints } from './registry.ts';
import type { Switches } from './switches.ts';

export interface Attested {
  readonly enrollment: Enrollment;
  /** What DPS writes into the hub. */
  readonly thumbprints: Thumbprints;
  /** What was issued to it: DER, leaf first. */
  readonly chain?: readonly Buffer[];
}

export interface Unattested {
  readonly errorCode: number;
  readonly message: string;
  /** The enrollment that is disabled. */
  readonly disabled?: Enrollment;
  /** Where it does not follow the switches for a leaf that is refused. */
  readonly answered?: 'at-once' | 'failed';
}

const INVALID: Unattested = { errorCode: 401002, message: 'Invalid certificate' };
const NOT_FOUND: Unattested = { errorCode: 401002, message: 'CA certificate not found.' };
const UNAUTHORIZED: Unattested = { errorCode: 401002, message: 'Unauthorized' };
const barred = (disabled: Enrollment): Unattested => ({ ...UNAUTHORIZED, disabled });

/**
 * Walks the presented chain from the leaf to the root; the first certificate found in any enrollment decides
 * (concepts-x509-attestation): enabled provisions, disabled refuses, nothing found refuses.
 */
export function attest(
  presented: Presented,
  registrationId: string,
  enrollments: Enrollments,
  switches: Switches,
  now: number,
): Attested | Unattested {
  if (!validAt(presented.leaf, now)) return INVALID;
  const individual = enrollments.individuals.get(registrationId);
  const held = individual && certificatesOf(individual).map(thumbprintOf).includes(presented.thumbprint);
  if (individual !== undefined && (held || switches.individualDecidesFor === 'registration-id')) {
    return attestIndividual(presented, individual);
  }
  const group = findGroup(presented, enrollments, switches, now);
  if (group === undefined) return NOT_FOUND;
  if (group.status === 'disabled') return barred(group);
  return attestedBy(presented, group);
}

/**
 * What DPS writes is the leaf that registered, twice, for individual enrollments as for groups: after the secondary of an
 * individual enrollment has registered, it is the primary thumbprint of the device in the hub (azure-iot-cli-extension,
 * test_iot_device_registration_individual_int.py, live; azure-iot-sdk-java#1220).
 */
const attestedBy = ({ thumbprint }: Presented, enrollment: Enrollment): Attested => ({
  enrollment,
  thumbprints: { primary: thumbprint, secondary: thumbprint },
});

/**
 * An individual enrollment stands before every group: Microsoft bars one member of a group by a disabled individual
 * enrollment (how-to-revoke-device-access-portal). Whether it needs to hold the leaf that is presented, or its
 * registration ID is enough, is a switch.
 */
function attestIndividual(presented: Presented, enrollment: Enrollment): Attested | Unattested {
  if (enrollment.status === 'disabled') return barred(enrollment);
  const holds = certificatesOf(enrollment).map(thumbprintOf).includes(presented.thumbprint);
  return holds ? attestedBy(presented, enrollment) : UNAUTHORIZED;
}

/**
 * The first certificate of the chain that is enrolled decides, and the chain must reach a verified certificate, sent or
 * not: "Authentication fails if DPS can't traverse the certificate chain to a verified certificate"
 * (concepts-x509-attestation). Microsoft's own tests end a chain with what a verified root has signed.
 */
function findGroup(
  { chain }: Presented,
  enrollments: Enrollments,
  { enrolledIssuerMayBeLeftOut, expiredIssuerAtDps, chainMustReachVerifiedCa }: Switches,
  now: number,
): Enrollment | undefined {
  const signers = [...enrollments.groups.values()].flatMap((group) =>
    [...certificatesOf(group), ...enrollments.cas.referredToBy(group.caReferences)].map((certificate) => ({
      group,
      certificate,
    })),
  );
  let found: Enrollment | undefined;
  let reached = !chainMustReachVerifiedCa;
  for (const [index, link] of chain.entries()) {
    const issuer = chain[index + 1];
    found ??= signers.find(({ certificate }) => certificate.raw.equals(link.raw))?.group;
    reached ||= enrollments.cas.holds(link);
    if (found && reached) return found;
    if (issuer === undefined) {
      const above = signers.find(({ certificate }) => signedBy(link, certificate));
      if (above && (enrolledIssuerMayBeLeftOut || isRoot(above.certificate))) found ??= above.group;
      return reached || enrollments.cas.issued(link) ? found : undefined;
    }
    const valid = expiredIssuerAtDps === 'accept' || validAt(issuer, now);
    if (!valid || !signedBy(link, issuer)) return undefined;
  }
  return undefined;
}

const isRoot = ({ issuer, subject }: X509Certificate): boolean => issuer === subject;
