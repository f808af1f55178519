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
  /** The hubs that are linked to the namespace. */
  readonly linkedHubs: Set<HubName>;
  readonly hubs: Readonly<Record<HubName, Hub>>;
  readonly registries: Readonly<Record<HubName, Registry>>;
}

/** Throws where there is no such device. */
export function revokeLeaves({ namespace, hubs }: Pick<AdrParts, 'namespace' | 'hubs'>, deviceId: string): void {
  namespace.revoke(deviceId);
  for (const hub of HUBS) hubs[hub].revoked(`device ${deviceId} revoked`, [deviceId]);
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

  async deletePolicy(name: string, authority?: string): Promise<void> {
    this.#parts.namespace.deletePolicy(name, authority);
  }

  async revokeDevice(deviceId: string): Promise<void> {
    revokeLeaves(this.#parts, deviceId);
  }

  async rotateIntermediate(authority?: string): Promise<string> {
    const { namespace, hubs } = this.#parts;
    const pem = await namespace.rotate(authority);
    const all = namespace.devices().map(({ deviceId }) => deviceId);
    for (const hub of HUBS) hubs[hub].revoked('CA revoked', all);
    return pem;
  }

  async namespaceState(): Promise<NamespaceState> {
    const { namespace } = this.#parts;
    return { name: NAMESPACE, authorities: await namespace.authorities(), devices: namespace.devices() };
  }

  async linkHub(hub: HubName, linked: boolean): Promise<void> {
    if (linked) this.#parts.linkedHubs.add(hub);
    else this.#parts.linkedHubs.delete(hub);
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
