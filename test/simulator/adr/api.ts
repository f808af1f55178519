import type { HubName } from '../log.ts';
import type { AdrDevice } from './namespace.ts';

/** What the namespace holds: who issues, by which policies, and to whom. */
export interface NamespaceState {
  readonly name: string;
  /** PEM, by name: `root`, and each CA that issues now. */
  readonly authorities: Readonly<Record<string, string>>;
  readonly devices: readonly AdrDevice[];
}

/** What a test can do to the namespace that issues leaves, as an operator does it in Azure. The CA is `ica-1` where none is named. */
export interface AdrApi {
  /** Makes the CA, too, where there is none. Leaves live `validityMs` (default 30 days). An enrollment names the policy. */
  createPolicy(name: string, validityMs?: number, authority?: string): Promise<void>;
  /** No leaf that the device got so far opens a hub; it gets another from DPS. */
  revokeDevice(deviceId: string): Promise<void>;
  /** "revokeAndRotate": no leaf below the CA of before opens a hub. Gives the certificate of the new one (PEM). */
  rotateIntermediate(authority?: string): Promise<string>;
  namespaceState(): Promise<NamespaceState>;
  /** Makes the certificate of the request that is held (`renewal`), for the session of now or a later one. */
  concludeRenewal(deviceId: string): Promise<void>;
  /** A CA certificate (PEM) that a hub itself trusts, verified on upload: for devices of `certificateAuthority`. */
  trustHubCa(hub: HubName, pem: string): Promise<void>;
  /** Writes a device into a hub that is known by a CA; with a policy it can renew, whichever CA its leaf of now is from. */
  writeCaDevice(hub: HubName, deviceId: string, policy?: string): Promise<void>;
}

/** Every operation of it; the compiler demands that none is missing. */
export const ADR_OPERATIONS: Readonly<Record<keyof AdrApi, true>> = {
  createPolicy: true,
  revokeDevice: true,
  rotateIntermediate: true,
  namespaceState: true,
  concludeRenewal: true,
  trustHubCa: true,
  writeCaDevice: true,
};
