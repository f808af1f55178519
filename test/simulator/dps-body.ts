import { shownChain } from './adr/answers.ts';
import type { Registration } from './enrollments.ts';
import type { Operation } from './registrar.ts';
import type { Switches } from './switches.ts';
import { namesProfile, takesCsr } from './versions.ts';

/** The body of every error of DPS, as captured in azure-iot-sdk-c (common_prov_e2e.c). */
export function errorBody(errorCode: number, message: string, trackingId: string): string {
  return JSON.stringify({ errorCode, trackingId, message, timestampUtc: new Date().toISOString() });
}

/**
 * The answer to the registration request itself where the enrollment is disabled, as Microsoft measured it
 * (azure-iot-cli-extension, test_dps_device_registration_disabled_enrollment): no operation, and no device ID.
 */
export function disabledBody({ registrationId, updatedAt, etag }: Registration): string {
  const status = 'disabled';
  const registrationState = { registrationId, status, lastUpdatedDateTimeUtc: updatedAt.toISOString(), etag };
  return JSON.stringify({ operationId: '', status, registrationState });
}

/** The final answer of an operation that has an outcome (RegistrationOperationStatus), to a client of this api-version. */
export function answerBody(
  { operationId, registrationId, outcome }: Operation,
  version: string,
  switches: Switches,
): string {
  if (outcome?.kind === 'assigned') {
    const { deviceId, assignedHub, substatus, etag, createdAt, updatedAt } = outcome.registration;
    return JSON.stringify({
      operationId,
      status: 'assigned',
      registrationState: {
        // The device side does not echo the certificate: `x509` was seen to be empty.
        x509: {},
        registrationId,
        createdDateTimeUtc: createdAt.toISOString(),
        assignedHub,
        deviceId,
        status: 'assigned',
        substatus,
        lastUpdatedDateTimeUtc: updatedAt.toISOString(),
        etag,
        ...(takesCsr(version) && chainIn(outcome.chain, switches)),
        ...(namesProfile(version) && profileIn(switches)),
      },
    });
  }
  const status = 'failed';
  return JSON.stringify({
    operationId,
    status,
    registrationState: { registrationId, status, errorCode: outcome?.errorCode, errorMessage: outcome?.message },
  });
}

/** "First = leaf, each next is the issuer of the one before, last = root" (device/models.tsp), as the switches have it. */
function chainIn(chain: readonly Buffer[] | undefined, switches: Switches): object {
  if (chain !== undefined) return { issuedCertificateChain: shownChain(chain, switches) };
  return switches.noChain === 'null' ? { issuedCertificateChain: null } : {};
}

const profileIn = ({ connectionProfile }: Switches): object =>
  connectionProfile === 'absent' ? {} : { connectionProfile };

/** Answers that are wrong on purpose, by the name of the fault. */
export const GARBLED = {
  'empty-body': '',
  'not-json': '<html><body>Sign in to the network</body></html>',
  'no-status': '{"operationId":"5.0.0"}',
} as const;
