import type { CaTrust } from '../ca-trust.ts';
import type { Hub } from '../hub.ts';
import type { HubName } from '../log.ts';
import type { Registry } from '../registry.ts';
import type { AdrApi, NamespaceState } from './api.ts';
import { NAMESPACE, type Namespace } from './namespace.ts';

const HUBS = ['hub1', 'hub2'] as const;

export interface AdrParts {
  readonly namespace: Namespace;
  readonly trusts: Readonly<Record<HubName, CaTrust>>;
  readonly hubs: Readonly<Record<HubName, Hub>>;
  readonly registries: Readonly<Record<HubName, Registry>>;
}

/** The operator's side of the namespace. */
export class AdrOperations implements AdrApi {
  readonly #parts: AdrParts;

  constructor(parts: AdrParts) {
    this.#parts = parts;
  }

  createPolicy(name: string, validityMs?: number, authority?: string): Promise<void> {
    return this.#parts.namespace.createPolicy(name, authority, validityMs);
  }

  async revokeDevice(deviceId: string): Promise<void> {
    this.#parts.namespace.revoke(deviceId);
  }

  rotateIntermediate(authority?: string): Promise<string> {
    return this.#parts.namespace.rotate(authority);
  }

  async namespaceState(): Promise<NamespaceState> {
    const { namespace } = this.#parts;
    return { name: NAMESPACE, authorities: await namespace.authorities(), devices: namespace.devices() };
  }

  async concludeRenewal(deviceId: string): Promise<void> {
    const { hubs, registries } = this.#parts;
    const holding = HUBS.filter((hub) => registries[hub].find(deviceId));
    const hub = holding.find((one) => hubs[one].connected(deviceId)) ?? holding[0];
    if (hub === undefined) throw new Error(`no device "${deviceId}" in any hub`);
    await hubs[hub].concludeRenewal(deviceId);
  }

  async trustHubCa(hub: HubName, pem: string): Promise<void> {
    this.#parts.trusts[hub].cas.trust(pem);
  }

  async writeCaDevice(hub: HubName, deviceId: string, policy?: string): Promise<void> {
    if (policy !== undefined) this.#parts.namespace.adopt(deviceId, { policy });
    this.#parts.registries[hub].write(deviceId, { primary: '', secondary: '', byCa: true });
  }
}
