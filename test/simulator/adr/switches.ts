import type { DpsVersions, HubVersions } from '../versions.ts';

/**
 * What is not known for certain of leaves that Azure issues. Nothing of it was ever compared with the real service; the README
 * says where each answer comes from.
 */
export interface AdrSwitches {
  /** The api-versions that DPS knows; another one is CONNACK 5, as a refused identity is. */
  dpsVersions: DpsVersions;
  /** The api-versions that a hub knows; another one is CONNACK 5. */
  hubVersions: HubVersions;
  /** Which enrollments issue, if they name a policy. */
  issuingEnrollments: 'groups' | 'all';
  /** What DPS does with a certificate request in a version that knows none. */
  csrInClassicVersion: 'ignored' | 'refused';
  /** How DPS refuses to issue: in the first answer, or by a 202 whose operation ends "failed". */
  csrRefusalAtDps: 'res-400' | 'failed';
  /** What DPS does where the policy of the enrollment was deleted. */
  policyGoneAtDps: 'refused' | 'no-chain';
  /** How DPS says that it issued nothing. */
  noChain: 'absent' | 'null';
  /** The certificates of an answer, of DPS and of a hub. */
  issuedChain: 'leaf-ica-root' | 'leaf-ica' | 'root-first';
  /** Which keys the CA certifies: all that clients were seen to use, or P-384 alone, as one document demands. */
  leafKeys: 'any' | 'p384';
  /** What a registration without a request writes into the hub for a device that came by the namespace before. */
  plainRegistration: 'keeps-trust' | 'writes-thumbprint';
  /** Whether DPS issues to a device that is disabled in the hub. */
  dpsIssuesToDisabled: boolean;
  /** How DPS says which MQTT the hub speaks, from 2026-11-02 on. */
  connectionProfile: 'absent' | 'classic' | 'mqttV5';
  /** Whether a leaf of the namespace registers, beside the onboarding leaf. */
  operationalLeafAtDps: 'refused' | 'accepted';
  /** Whether the onboarding leaf opens the hub, once the namespace has issued to the device. */
  onboardingLeafAtHub: 'refused' | 'accepted';
  /** Whether the hub finds the issuing CA of a leaf that comes without it. */
  leafAloneAtHub: 'refused' | 'accepted';
  /** What a hub does with a leaf of a revoked device, or of a revoked CA. */
  revokedAtHub: 'connack-5' | 'close';
  /** Whether a revocation ends the session. */
  revocationEndsSession: boolean;
  /** Whether the leaf before opens the hub after a renewal. */
  leafBeforeRenewal: 'valid' | 'refused';
  /** What a hub does with the topics of renewal in a session of a version that has none. */
  renewalInClassicVersion: 'refused' | 'served';
  /** What a hub does with a request without a usable rid, or before the subscription, which it may take all the same. */
  unheardRequest: 'silence' | 'close' | 'taken';
  /** Which CN a request to the hub needs, where registration ID and device ID differ. */
  renewalCn: 'either' | 'device-id' | 'registration-id';
  /** Which key a request to the hub may be for. */
  renewalKey: 'any' | 'of-before';
  /** When the certificate is there: at once after the 202, or when the test says so (`concludeRenewal`). */
  renewal: 'at-once' | 'held';
  /** How long an operation lives, in milliseconds. */
  operationLivesMs: number;
  /** When a hub says that a request was refused by the CA: at once, or after a 202. */
  csrRefusalAtHub: 'after-202' | 'at-once';
  /** The numbers of its errors. */
  renewalCodes: 'newer' | 'live-run';
  /** What the same request gets that has had its certificate. */
  repeatedRequest: 'same-certificate' | 'new-certificate';
  /** Whether `replace: "*"` is refused where nothing is active. */
  replaceAllOfNothing: 'accepted' | 'refused';
  /** How a refusal has no `info`. */
  noInfo: 'null' | 'absent';
  /** The form of the 200. */
  renewalBody: 'object' | 'array';
  /** What stands in the topics of its answers. */
  renewalTopic: 'rid' | 'rid-and-version' | 'plain';
  /** By which QoS they go out. */
  renewalQos: 'granted' | 'zero';
  /** How a device is called in the registry: as it registers, or by a name of its own. */
  registryName: 'external-id' | 'own';
  /** What a write of an older version does with the policy of an enrollment. */
  policyOnClassicPut: 'dropped' | 'kept';
}

const HOUR = 3_600_000;

export const ADR_SWITCHES: Readonly<AdrSwitches> = {
  dpsVersions: 'contract',
  hubVersions: 'preview',
  issuingEnrollments: 'groups',
  csrInClassicVersion: 'ignored',
  csrRefusalAtDps: 'res-400',
  policyGoneAtDps: 'refused',
  noChain: 'absent',
  issuedChain: 'leaf-ica-root',
  leafKeys: 'any',
  plainRegistration: 'keeps-trust',
  dpsIssuesToDisabled: true,
  connectionProfile: 'absent',
  operationalLeafAtDps: 'refused',
  onboardingLeafAtHub: 'refused',
  leafAloneAtHub: 'refused',
  revokedAtHub: 'connack-5',
  revocationEndsSession: false,
  leafBeforeRenewal: 'valid',
  renewalInClassicVersion: 'refused',
  unheardRequest: 'silence',
  renewalCn: 'either',
  renewalKey: 'any',
  renewal: 'at-once',
  operationLivesMs: 12 * HOUR,
  csrRefusalAtHub: 'after-202',
  renewalCodes: 'newer',
  repeatedRequest: 'same-certificate',
  replaceAllOfNothing: 'accepted',
  noInfo: 'null',
  renewalBody: 'object',
  renewalTopic: 'rid',
  renewalQos: 'granted',
  registryName: 'external-id',
  policyOnClassicPut: 'dropped',
};
