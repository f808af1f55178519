import { randomUUID } from 'node:crypto';
import { type RestAnswer, RestRefusal, type RestRequest, type Route } from '../rest/route.ts';
import { type AdrDevice, FIRST_AUTHORITY, NAMESPACE, type Namespace } from './namespace.ts';
import type { AdrSwitches } from './switches.ts';

/** What Azure Resource Manager calls the namespace. */
export const NAMESPACE_ID = `/subscriptions/6f1c2a3e-0000-4000-8000-000000000000/resourceGroups/newleaf/providers/Microsoft.DeviceRegistry/namespaces/${NAMESPACE}`;
/** Registry devices are in the contract of 2026-11-01; what is below them is in this preview alone. */
const VERSION = '2026-11-02-preview';
/** registryDevices.tsp */
const NAME = /^[0-9a-zA-Z][a-zA-Z0-9-]{2,62}$/;
const PAGE = 2;

export const armKnows = (version: string): boolean => version === VERSION;

/** "The error object" of Resource Manager (resource-manager-api-guidelines). */
export const armRefusalBody = ({ word, message }: RestRefusal): object => ({ error: { code: word, message } });

/** The devices of the namespace as Azure Resource Manager shows them, and the revocation of their leaves. */
export class Arm {
  readonly routes: readonly Route[];
  readonly #namespace: Namespace;
  readonly #switches: AdrSwitches;
  /** Looks that are left until an operation is over. */
  readonly #operations = new Map<string, number>();

  constructor(namespace: Namespace, switches: AdrSwitches) {
    this.#namespace = namespace;
    this.#switches = switches;
    const route = (method: Route['method'], path: string, answer: Route['answer']): Route => ({
      method,
      path: new RegExp(`^${NAMESPACE_ID}/${path}$`, 'i'),
      answer,
    });
    this.routes = [
      route('GET', 'registryDevices', (request) => this.#list(request)),
      route('GET', 'registryDevices/([^/]+)', ({ id }) => ({ status: 200, body: this.#body(this.#get(id)) })),
      route('GET', 'registryDevices/([^/]+)/authenticationProfiles', ({ id }) => this.#profiles(id)),
      route('POST', 'registryDevices/([^/]+)/authenticationProfiles/default/revokeCertificates', ({ id }) =>
        this.#revokeAll(id),
      ),
      route('GET', 'operationResults/([^/]+)', ({ id }) => this.#operation(id)),
    ];
  }

  /** By pages, whose links are whole addresses. */
  #list({ query, headers }: RestRequest): RestAnswer {
    const from = Number(query.get('$skiptoken') ?? 0);
    const all = this.#namespace.devices();
    const next = from + PAGE;
    const link = `https://${headers.host}${NAMESPACE_ID}/registryDevices?api-version=${VERSION}&$skiptoken=${next}`;
    const value = all.slice(from, next).map((device) => this.#body(device));
    return { status: 200, body: { value, ...(next < all.length && { nextLink: link }) } };
  }

  #nameOf({ registrationId, name }: AdrDevice): string {
    return this.#switches.registryName === 'external-id' ? registrationId : name;
  }

  #get(name: string): AdrDevice {
    if (!NAME.test(name)) throw new RestRefusal(400000, 'InvalidResourceName', `${name} is no name of a resource.`);
    const found = this.#namespace.devices().find((device) => this.#nameOf(device) === name);
    if (found === undefined) throw new RestRefusal(404000, 'ResourceNotFound', `The device ${name} was not found.`);
    return found;
  }

  #body(device: AdrDevice): object {
    const name = this.#nameOf(device);
    const properties = { externalDeviceId: device.registrationId, enablementState: 'Enabled' };
    return { id: `${NAMESPACE_ID}/registryDevices/${name}`, name, properties };
  }

  #profiles(name: string): RestAnswer {
    const { authority = FIRST_AUTHORITY, policy } = this.#get(name).reference;
    const certificatePolicyResourceId = `${NAMESPACE_ID}/certificateAuthorities/${authority}/certificatePolicies/${policy}`;
    const properties = {
      authenticationType: 'CertificateAuthoritySignedX509Certificate',
      certificateAuthority: { certificatePolicyResourceId },
    };
    return { status: 200, body: { value: [{ name: 'default', properties }] } };
  }

  /** A long-running operation: its result is asked for until it is 204. */
  #revokeAll(name: string): RestAnswer {
    const { deviceId } = this.#get(name);
    this.#namespace.revoke(deviceId);
    const operation = randomUUID();
    this.#operations.set(operation, 1);
    const location = `https://management.azure.com${NAMESPACE_ID}/operationResults/${operation}?api-version=${VERSION}`;
    return { status: 202, headers: { Location: location, 'Retry-After': '1' } };
  }

  #operation(id: string): RestAnswer {
    const left = this.#operations.get(id);
    if (left === undefined) throw new RestRefusal(404000, 'ResourceNotFound', `The operation ${id} was not found.`);
    this.#operations.set(id, left - 1);
    return left > 0 ? { status: 202, headers: { 'Retry-After': '1' } } : { status: 204 };
  }
}
