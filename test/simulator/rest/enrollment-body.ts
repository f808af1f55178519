import { X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { thumbprintOf } from '../ca.ts';
import type { CaReferences, CertificatePair, Enrollment, EnrollmentInput, Registration } from '../enrollments.ts';
import type { Switches } from '../switches.ts';
import { PolicyNames } from './policy-names.ts';
import { RestRefusal, read } from './route.ts';

const Certificate = v.looseObject({
  certificate: v.nullish(v.string()),
  info: v.nullish(v.looseObject({ sha256Thumbprint: v.string() })),
});
const Pair = v.looseObject({ primary: v.nullish(Certificate), secondary: v.nullish(Certificate) });
const Names = v.looseObject({ primary: v.nullish(v.string()), secondary: v.nullish(v.string()) });
const TpmKeys = v.looseObject({ endorsementKey: v.string(), storageRootKey: v.nullish(v.string()) });
const Body = v.looseObject({
  registrationId: v.optional(v.string()),
  enrollmentGroupId: v.optional(v.string()),
  deviceId: v.nullish(v.string()),
  etag: v.nullish(v.string()),
  attestation: v.looseObject({
    type: v.picklist(['x509', 'symmetricKey', 'tpm']),
    tpm: v.nullish(TpmKeys),
    x509: v.nullish(
      v.looseObject({
        clientCertificates: v.nullish(Pair),
        signingCertificates: v.nullish(Pair),
        caReferences: v.nullish(Names),
      }),
    ),
  }),
  provisioningStatus: v.nullish(v.picklist(['enabled', 'disabled'])),
  reprovisionPolicy: v.nullish(v.object({ updateHubAssignment: v.boolean(), migrateDeviceData: v.boolean() })),
  initialTwin: v.nullish(
    v.looseObject({
      tags: v.nullish(v.looseObject({})),
      properties: v.nullish(v.looseObject({ desired: v.nullish(v.looseObject({})) })),
    }),
  ),
  iotHubs: v.nullish(v.array(v.string())),
  iotHubHostName: v.nullish(v.string()),
  ...PolicyNames,
});

export type EnrollmentBody = v.InferOutput<typeof Body>;

/** Kept as they came, and read back: nothing here acts on them. */
const EXTRA = [
  'allocationPolicy',
  'capabilities',
  'customAllocationDefinition',
  'iotHubHostName',
  'optionalDeviceInformation',
] as const;

export const badRequest = (message: string): RestRefusal => new RestRefusal(400004, 'ArgumentInvalid', message);

/** @throws RestRefusal 400 that names the field */
export const readEnrollment = (body: unknown): EnrollmentBody => read(Body, body);

/**
 * What the store takes. A certificate may be PEM or base64 of the DER; where only `info` was sent, the one that
 * `before` holds is meant, as far as the switch allows.
 * @throws RestRefusal 400
 */
export function inputOf(body: EnrollmentBody, before: Enrollment | undefined, switches: Switches): EnrollmentInput {
  const { attestation, provisioningStatus, reprovisionPolicy, initialTwin, iotHubs, iotHubHostName } = body;
  const hubs = iotHubs ?? (iotHubHostName ? [iotHubHostName] : []);
  return {
    ...certificatesIn(body, before, switches),
    ...tpmIn(body),
    status: provisioningStatus ?? 'enabled',
    ...(reprovisionPolicy && { policy: reprovisionPolicy }),
    initialDesired: initialTwin?.properties?.desired ?? {},
    initialTags: initialTwin?.tags ?? {},
    hubs,
    extra: {
      attestation: attestation.type,
      ...Object.fromEntries(EXTRA.flatMap((name) => (body[name] == null ? [] : [[name, body[name]]]))),
    },
  };
}

function tpmIn({ attestation: { type, tpm }, enrollmentGroupId }: EnrollmentBody): Pick<EnrollmentInput, 'tpm'> {
  if (type !== 'tpm') return {};
  if (!tpm || enrollmentGroupId !== undefined) {
    throw badRequest('attestation.tpm: an individual enrollment with an endorsementKey is needed.');
  }
  const { endorsementKey, storageRootKey } = tpm;
  return { tpm: { endorsementKey, ...(storageRootKey && { storageRootKey }) } };
}

function certificatesIn(
  { attestation: { type, x509 }, enrollmentGroupId }: EnrollmentBody,
  before: Enrollment | undefined,
  { infoAlone }: Switches,
): CertificatePair & { readonly caReferences?: CaReferences } {
  if (type !== 'x509') return {};
  const names = x509?.caReferences;
  const pair = enrollmentGroupId === undefined ? x509?.clientCertificates : x509?.signingCertificates;
  const pem = (place: 'primary' | 'secondary'): string | undefined => {
    const sent = pair?.[place];
    if (sent?.certificate) return readable(sent.certificate, place);
    if (!sent?.info) return undefined;
    const held = infoAlone === 'may-move' ? [before?.primary, before?.secondary] : [before?.[place]];
    const kept = held.find((one) => one && thumbprintOf(one) === sent.info?.sha256Thumbprint);
    if (infoAlone === 'refused' || kept === undefined) {
      throw badRequest(`attestation.x509: the ${place} certificate is missing.`);
    }
    return kept.toString();
  };
  const [primary, secondary] = [pem('primary'), pem('secondary')];
  if (names && !pair && enrollmentGroupId !== undefined && (names.primary || names.secondary)) {
    return {
      caReferences: {
        ...(names.primary && { primary: names.primary }),
        ...(names.secondary && { secondary: names.secondary }),
      },
    };
  }
  if (primary === undefined && secondary === undefined) {
    throw badRequest('attestation.x509: at least one certificate is needed.');
  }
  return { ...(primary && { primary }), ...(secondary && { secondary }) };
}

function readable(certificate: string, place: string): string {
  try {
    return new X509Certificate(
      certificate.includes('-----BEGIN') ? certificate : Buffer.from(certificate, 'base64'),
    ).toString();
  } catch {
    throw badRequest(`attestation.x509: the ${place} certificate cannot be read.`);
  }
}

/** What a read gives: `info` instead of the certificate. */
export function enrollmentBody(enrollment: Enrollment, registration: Registration | undefined): object {
  const { kind, id, deviceId, status, policy, hubs, initialDesired, initialTags, etag, extra } = enrollment;
  const { attestation: _, ...rest } = extra;
  const twin = { tags: initialTags, properties: { desired: initialDesired } };
  return {
    ...(kind === 'individual' ? { registrationId: id } : { enrollmentGroupId: id }),
    ...(deviceId !== undefined && { deviceId }),
    ...(registration && { registrationState: stateBody(registration) }),
    attestation: attestationBody(enrollment),
    provisioningStatus: status,
    reprovisionPolicy: policy,
    ...(Object.keys({ ...initialDesired, ...initialTags }).length > 0 && { initialTwin: twin }),
    ...(hubs.length > 0 && { iotHubs: hubs }),
    ...rest,
    etag,
    createdDateTimeUtc: enrollment.createdAt.toISOString(),
    lastUpdatedDateTimeUtc: enrollment.updatedAt.toISOString(),
  };
}

/** Symmetric keys are not kept: nobody here attests by them. */
export function attestationBody(enrollment: Enrollment): object {
  const { tpm, extra } = enrollment;
  const { attestation: type = tpm === undefined ? 'x509' : 'tpm' } = extra;
  return { type, ...(type === 'x509' && { x509: x509Body(enrollment) }), ...(tpm && { tpm }) };
}

function x509Body({ kind, primary, secondary, caReferences }: Enrollment): object {
  if (caReferences.primary !== undefined || caReferences.secondary !== undefined) return { caReferences };
  const pair = { ...(primary && { primary: infoOf(primary) }), ...(secondary && { secondary: infoOf(secondary) }) };
  return kind === 'individual' ? { clientCertificates: pair } : { signingCertificates: pair };
}

function infoOf(certificate: X509Certificate): object {
  const named = (name: string): string => name.split('\n').join(', ');
  return {
    info: {
      subjectName: named(certificate.subject),
      sha1Thumbprint: certificate.fingerprint.replaceAll(':', ''),
      sha256Thumbprint: thumbprintOf(certificate),
      issuerName: named(certificate.issuer),
      notBeforeUtc: new Date(certificate.validFrom).toISOString(),
      notAfterUtc: new Date(certificate.validTo).toISOString(),
      serialNumber: certificate.serialNumber,
      version: 3,
    },
  };
}

/** DeviceRegistrationState: a device that was refused last has no hub and no device ID in it. */
export function stateBody(registration: Registration): object {
  const { registrationId, status, errorCode, errorMessage, deviceId, assignedHub, substatus } = registration;
  const { etag, createdAt, updatedAt } = registration;
  return {
    registrationId,
    createdDateTimeUtc: createdAt.toISOString(),
    ...(status === 'assigned' && { assignedHub, deviceId }),
    status,
    ...(status === 'assigned' && { substatus }),
    ...(errorCode !== undefined && { errorCode, errorMessage }),
    lastUpdatedDateTimeUtc: updatedAt.toISOString(),
    etag,
  };
}
