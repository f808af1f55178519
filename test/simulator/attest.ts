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
}

export interface Unattested {
  readonly errorCode: number;
  readonly message: string;
  readonly disabled?: true;
}

const INVALID: Unattested = { errorCode: 401002, message: 'Invalid certificate' };
const NOT_FOUND: Unattested = { errorCode: 401002, message: 'CA certificate not found.' };
const UNAUTHORIZED: Unattested = { errorCode: 401002, message: 'Unauthorized' };
const DISABLED: Unattested = { ...UNAUTHORIZED, disabled: true };

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
  if (!validAt(presented.leaf, now)) {
    return INVALID;
  }
  const individual = enrollments.individuals.get(registrationId);
  const held = individual && certificatesOf(individual).map(thumbprintOf).includes(presented.thumbprint);
  if (individual !== undefined && (held || switches.individualDecidesFor === 'registration-id')) {
    return attestIndividual(presented, individual);
  }
  const group = findGroup(presented, enrollments, switches, now);
  if (group === undefined) {
    return NOT_FOUND;
  }
  if (group.status === 'disabled') {
    return DISABLED;
  }
  return { enrollment: group, thumbprints: { primary: presented.thumbprint, secondary: presented.thumbprint } };
}

/**
 * An individual enrollment stands before every group: Microsoft bars one member of a group by a disabled individual
 * enrollment (how-to-revoke-device-access-portal). Whether it needs to hold the leaf that is presented, or its
 * registration ID is enough, is a switch.
 */
function attestIndividual({ thumbprint }: Presented, enrollment: Enrollment): Attested | Unattested {
  if (enrollment.status === 'disabled') {
    return DISABLED;
  }
  const [first, second = first] = certificatesOf(enrollment).map(thumbprintOf);
  if (first === undefined || second === undefined || ![first, second].includes(thumbprint)) {
    return UNAUTHORIZED;
  }
  return { enrollment, thumbprints: { primary: first, secondary: second } };
}

function findGroup(
  { chain }: Presented,
  enrollments: Enrollments,
  { enrolledIssuerMayBeLeftOut, expiredIssuerAtDps }: Switches,
  now: number,
): Enrollment | undefined {
  const signers = [...enrollments.groups.values()].flatMap((group) =>
    [...certificatesOf(group), ...enrollments.cas.referredToBy(group.caReferences)].map((certificate) => ({
      group,
      certificate,
    })),
  );
  for (const [index, link] of chain.entries()) {
    const issuer = chain[index + 1];
    const enrolled = signers.find(({ certificate }) => certificate.raw.equals(link.raw));
    if (enrolled !== undefined) {
      return enrolled.group;
    }
    if (issuer === undefined) {
      const above = signers.find(({ certificate }) => signedBy(link, certificate));
      return above && (enrolledIssuerMayBeLeftOut || isRoot(above.certificate)) ? above.group : undefined;
    }
    const valid = expiredIssuerAtDps === 'accept' || validAt(issuer, now);
    if (!valid || !signedBy(link, issuer)) {
      return undefined;
    }
  }
  return undefined;
}

const isRoot = ({ issuer, subject }: X509Certificate): boolean => issuer === subject;
