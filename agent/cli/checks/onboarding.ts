import type { IssuerChoice } from '../../config/config.ts';
import { Fault } from '../../failure/failure.ts';
import { endOf, onboardingIdentity } from '../../keys/onboarding.ts';
import type { Site } from '../proof/site.ts';
import { type Finding, failed, ok, toChange, warning } from './check.ts';

type AzureChoice = Extract<IssuerChoice, { kind: 'azure' }>;

const ACCEPTED = 0;
const REFUSED = new Set([2, 4, 5]);

/**
 * The identity for DPS: its key, its certificate and its end; then two CONNECTs. "An unsupported version is answered as a
 * refused identity" (Azure/azure-iot-sdk, connection reference 9.3.1), so the other api-version tells them apart. Nothing is
 * registered.
 */
export async function onboarding(site: Site, choice: AzureChoice): Promise<Finding> {
  const { dps, trust } = (await site.config()).config;
  const { key, certificate, dps_api_version: version } = choice;
  const identity = await onboardingIdentity({ token: await site.token(), key, certificate, caFile: trust.ca_file });
  const end = endOf(identity, site.now);
  if (end?.kind === 'refused') return failed(end.code, end.message, end.advice);
  const answer = await site.connack(version);
  if (REFUSED.has(answer)) {
    const isKnown = (await site.connack()) !== ACCEPTED;
    if (!isKnown) {
      const message = `DPS does not know the api-version ${version} (CONNACK ${answer}), and accepts this identity in another one.`;
      return { ...failed('NL-DPS-REJECTED', message, ''), ...toChange('Correct issuer.azure.dps_api_version') };
    }
    const message = `DPS refuses the onboarding certificate (${identity.thumbprint}) of ${dps.registration_id} at CONNECT (CONNACK ${answer}): the names differ.`;
    const advice = 'Operator: make dps.registration_id equal to the CN of the onboarding certificate.';
    return failed('NL-DPS-REJECTED', message, advice);
  }
  if (answer !== ACCEPTED) {
    const { message, advice } = new Fault('NL-DPS-SCOPE').failure;
    return failed('NL-DPS-SCOPE', message, advice);
  }
  if (end !== undefined) return warning(end.message, end.advice);
  return ok(`DPS lets the onboarding certificate in, in the api-version ${version}.`);
}
