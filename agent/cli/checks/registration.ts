import { areaOf, Fault } from '../../failure/failure.ts';
import type { Site } from '../proof/site.ts';

/** The answer of DPS about the current leaf; nothing is registered. */
export type Registration =
  | { readonly kind: 'assigned'; readonly hub: string }
  /** By the record of the last registration; `at` in milliseconds, where it says. */
  | { readonly kind: 'disabled'; readonly at: number | undefined }
  /** In the words of DPS. `record`: they are those of the last registration. */
  | { readonly kind: 'refused'; readonly words: string; readonly record?: { readonly at: number | undefined } }
  /** There is no registration. */
  | { readonly kind: 'unknown' }
  /** No answer, or one that says nothing about the leaf. */
  | { readonly kind: 'other'; readonly words: string };

const API_VERSION = '2019-03-31';
const MAX_BYTES = 96 * 1024;

/**
 * DeviceRegistrationStatusLookup (azure-rest-api-specs, deviceprovisioningservices, device/routes.tsp) with the current
 * leaf, or the onboarding certificate; there is no such thing over MQTT.
 * @throws Fault NL-TOKEN-…, NL-CONFIG
 */
export async function lookUp(site: Site, as: 'leaf' | 'bootstrap' = 'leaf'): Promise<Registration> {
  const { dps, trust } = (await site.config()).config;
  const id = encodeURIComponent(dps.registration_id);
  const request = {
    method: 'POST',
    url: `https://${dps.endpoint}/${dps.id_scope}/registrations/${id}?api-version=${API_VERSION}`,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ registrationId: dps.registration_id }),
    maxBytes: MAX_BYTES,
  } as const;
  const ca = await site.authorities('trust.ca_file', trust.ca_file);
  try {
    const { status, body } = await site.exchange(request, ca, as);
    return registrationIn(status, body.toString());
  } catch (error) {
    if (!(error instanceof Fault) || areaOf(error.failure) !== 'EST') throw error;
    const { message, cause } = error.failure;
    const why = cause === undefined ? message : `${message} (${cause})`;
    return { kind: 'other', words: `DPS can only be asked over HTTPS, and does not answer there: ${why}` };
  }
}

/**
 * How a disabled enrollment shows is not documented: as 401, as a status, or as a registration that failed with 401002.
 * Pure; never throws.
 */
function registrationIn(httpStatus: number, body: string): Registration {
  const { status, assignedHub, errorCode, message, errorMessage = message, lastUpdatedDateTimeUtc } = fieldsIn(body);
  const words = [errorCode, errorMessage].filter((one) => one !== undefined).join(' ') || `HTTP ${httpStatus}`;
  const time = Date.parse(String(lastUpdatedDateTimeUtc));
  const at = Number.isNaN(time) ? undefined : time;
  if (status === 'disabled') return { kind: 'disabled', at };
  if (status === 'assigned' && typeof assignedHub === 'string') return { kind: 'assigned', hub: assignedHub };
  if (httpStatus === 404) return { kind: 'unknown' };
  const refused = httpStatus === 401 || httpStatus === 403 || /^401/.test(String(errorCode));
  if (refused && !OF_THE_HUB.test(words))
    return { kind: 'refused', words, ...(status === 'failed' && { record: { at } }) };
  return { kind: 'other', words: `DPS says nothing about the leaf: ${words.replace(/\.$/, '')}.` };
}

/** No hub is linked, or it refuses DPS: numbers that begin like a refusal of the leaf (agent/dps/refusal.ts). */
const OF_THE_HUB = /^401001|IotHub(Unauthorized|NotFound)|IotHub not found|\bErrorCode:|custom allocation/i;

function fieldsIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(body);
    return typeof said === 'object' && said !== null ? { ...said } : {};
  } catch {
    return {};
  }
}
