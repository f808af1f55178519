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
  /** How DPS refuses to issue: in the first answer, or by a 202 whose operation ends "failed". */
  csrRefusalAtDps: 'res-400' | 'failed';
  /** How DPS says that it issued nothing. */
  noChain: 'absent' | 'null';
  /** The certificates of an answer, of DPS and of a hub. */
  issuedChain: 'leaf-ica-root' | 'leaf-ica' | 'root-first';
  /** Which keys the CA certifies: all that clients were seen to use, or P-384 alone, as one document demands. */
  leafKeys: 'any' | 'p384';
  /** How DPS says which MQTT the hub speaks, from 2026-11-02 on. */
  connectionProfile: 'absent' | 'classic' | 'mqttV5';
  /** When the certificate is there: at once after the 202, or when the test says so (`concludeRenewal`). */
  renewal: 'at-once' | 'held';
  /** When a hub says that a request was refused by the CA: at once, or after a 202. */
  csrRefusalAtHub: 'after-202' | 'at-once';
  /** The numbers of its errors. */
  renewalCodes: 'newer' | 'live-run';
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
}

export const ADR_SWITCHES: Readonly<AdrSwitches> = {
  dpsVersions: 'contract',
  hubVersions: 'preview',
  issuingEnrollments: 'groups',
  csrRefusalAtDps: 'res-400',
  noChain: 'absent',
  issuedChain: 'leaf-ica-root',
  leafKeys: 'any',
  connectionProfile: 'absent',
  renewal: 'at-once',
  csrRefusalAtHub: 'after-202',
  renewalCodes: 'newer',
  noInfo: 'null',
  renewalBody: 'object',
  renewalTopic: 'rid',
  renewalQos: 'granted',
  registryName: 'external-id',
};
