/** Which api-versions DPS knows: those of before 2025, with the preview of certificates, with the contract of 2026, or whatever comes. */
export type DpsVersions = 'classic' | 'preview' | 'contract' | 'any';
/** The same of a hub, whose device side has no contract of 2026. */
export type HubVersions = 'classic' | 'preview' | 'any';

/** 2019-03-31: the SDKs for Node and Python; 2021-06-01: the one for C (prov_client_const.h); 2018-11-01 and 2021-10-01: documents. */
const DPS_CLASSIC = ['2018-11-01', '2019-03-31', '2021-06-01', '2021-10-01'];
/** azure-iot-sdk-c, -java, -csharp and azure-sdk-for-c on their branches with certificate requests. */
const DPS_PREVIEW = ['2025-07-01-preview'];
/** The contract, and what Azure/azure-iot-sdk sends. */
const DPS_CONTRACT = ['2026-11-01', '2026-11-02-preview'];
/** 2021-04-12: Node; 2020-09-30: C; 2019-10-01: Python; older ones: embedded clients in the field. */
const HUB_CLASSIC = [
  '2016-11-14',
  '2018-06-30',
  '2019-03-30',
  '2019-10-01',
  '2020-05-31-preview',
  '2020-09-30',
  '2021-04-12',
];
/** The first: clients of the branches with certificate requests; the second: the data plane of az iot. */
const HUB_PREVIEW = ['2025-08-01-preview', '2026-11-01-preview'];

const DPS = {
  classic: DPS_CLASSIC,
  preview: [...DPS_CLASSIC, ...DPS_PREVIEW],
  contract: [...DPS_CLASSIC, ...DPS_PREVIEW, ...DPS_CONTRACT],
};
const HUB = { classic: HUB_CLASSIC, preview: [...HUB_CLASSIC, ...HUB_PREVIEW] };

export const dpsKnows = (version: string, known: DpsVersions): boolean =>
  known === 'any' || DPS[known].includes(version);
export const hubKnows = (version: string, known: HubVersions): boolean =>
  known === 'any' || HUB[known].includes(version);

// Versions are dates, so they compare as text.

/** Whether a registration of this version may carry a certificate request. */
export const takesCsr = (version: string): boolean => version >= '2025-07-01';
/** Whether the answer to it says how to speak to the hub. */
export const namesProfile = (version: string): boolean => version >= '2026-11-02';
/** Whether a hub serves renewal to a session of this version. */
export const offersRenewal = (version: string): boolean => version >= '2025-08-01';
/** How the service side names a certificate policy: not at all, by one name, or by three. */
export function policyNames(version: string): 'none' | 'one' | 'three' {
  if (version >= '2026-11-01') return 'three';
  return version >= '2025-07-01' ? 'one' : 'none';
}
