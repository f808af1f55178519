import type { RestApiClient } from 'azure-iot-http-base';
import * as v from 'valibot';
import { Failed, Misuse, textOption } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';
import type { Desk } from './desk.ts';
import { login } from './login.ts';
import { NAME } from './name.ts';
import { asking, orAbsent } from './refusal.ts';

/** The stable contract of 2026-11-01 has no authentication profiles (azure-rest-api-specs, registryDeviceAuthenticationProfiles.tsp). */
const VERSION = '2026-11-02-preview';
const WHO = 'Azure Device Registry';
const PUBLIC = 'management.azure.com';
const NAMESPACE =
  /^(?:https:\/\/([\w.:-]+))?(\/subscriptions\/[\w-]+\/resourceGroups\/[^/\s]+\/providers\/Microsoft\.DeviceRegistry\/namespaces\/[\w-]+)$/i;
/** Of a registry device (registryDevices.tsp); a registration ID may have other characters. */
const NAMED = /^[0-9a-zA-Z][a-zA-Z0-9-]{2,62}$/;
/** An operation that goes on for longer is not waited for, in milliseconds. */
const LONGEST_MS = 10 * 60_000;
const POLL_MS = 2_000;

const Device = v.looseObject({
  name: v.string(),
  properties: v.optional(v.looseObject({ externalDeviceId: v.optional(v.string()) })),
});
const Devices = v.looseObject({ value: v.array(Device), nextLink: v.optional(v.string()) });
const Profiles = v.looseObject({
  value: v.array(
    v.looseObject({
      name: v.string(),
      properties: v.optional(
        v.looseObject({
          authenticationType: v.optional(v.string()),
          certificateAuthority: v.optional(v.looseObject({ certificatePolicyResourceId: v.optional(v.string()) })),
        }),
      ),
    }),
  ),
});

/** A device of the namespace whose leaves Azure issues. */
export interface RegistryDevice {
  readonly name: string;
  readonly profile: string;
  /** Resource ID of the policy, where it is told. */
  readonly policy: string | undefined;
}

interface Answer {
  readonly body: unknown;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** A namespace of Azure Device Registry as an operator sees it, over Azure Resource Manager. */
export class Registry {
  /** Resource ID. */
  readonly namespace: string;
  readonly #desk: Desk;
  readonly #client: RestApiClient;

  private constructor(desk: Desk, namespace: string, client: RestApiClient) {
    this.#desk = desk;
    this.namespace = namespace;
    this.#client = client;
  }

  /** @throws Misuse where no namespace is named, or its name is none */
  static async open(call: Call): Promise<Registry> {
    const { desk } = call;
    const text = textOption(call, 'namespace') ?? desk.env.NEWLEAF_ADR_NAMESPACE ?? '';
    const [, host = PUBLIC, namespace] = NAMESPACE.exec(text) ?? [];
    if (namespace === undefined) {
      throw new Misuse(
        `${text === '' ? 'The namespace is missing' : `"${text}" is no namespace`}: --namespace or NEWLEAF_ADR_NAMESPACE has its resource ID (/subscriptions/…/providers/Microsoft.DeviceRegistry/namespaces/…).`,
        { advice: '`az iot adr ns show --name NS --resource-group RG --query id --output tsv` prints it.' },
      );
    }
    const base = (await import('azure-iot-http-base')).default;
    const tokenCredential = await login(desk);
    const client = new base.RestApiClient({ host, tokenCredential, tokenScope: `https://${PUBLIC}/.default` }, NAME);
    return new Registry(desk, namespace, client);
  }

  /** By its registration ID. @throws Failed where there is none, or Azure issues it no leaves */
  async get(id: string): Promise<RegistryDevice> {
    const device = await this.#device(id);
    if (device === undefined) {
      throw new Failed(`The namespace has no device "${id}".`, {
        advice: 'It has those that have got a leaf from it, by their registration IDs.',
      });
    }
    const path = `/registryDevices/${encodeURIComponent(device.name)}/authenticationProfiles`;
    const { value } = v.parse(Profiles, (await this.#ask('GET', path)).body);
    const found = value.find(({ properties }) => /^CertificateAuthority/.test(properties?.authenticationType ?? ''));
    if (found === undefined) throw new Failed(`Azure issues no leaves to "${id}": nothing can be revoked.`);
    const { certificatePolicyResourceId: policy } = found.properties?.certificateAuthority ?? {};
    return { name: device.name, profile: found.name, policy };
  }

  /** Returns when it is done. @throws Failed where Azure refuses, or is not done in ten minutes */
  async revoke({ name, profile }: RegistryDevice): Promise<void> {
    const path = `/registryDevices/${encodeURIComponent(name)}/authenticationProfiles/${encodeURIComponent(profile)}/revokeCertificates`;
    let answer = await this.#ask('POST', path);
    const { location } = answer.headers;
    const until = this.#desk.now() + LONGEST_MS;
    while (answer.status === 202 && location !== undefined) {
      if (this.#desk.now() >= until) {
        throw new Failed('Azure has taken the request, and is not done after ten minutes.', {
          advice: 'Repeat later: revoked twice is revoked.',
        });
      }
      const asked = Number(answer.headers['retry-after']) * 1_000;
      await this.#desk.sleep(asked > 0 ? asked : POLL_MS);
      answer = await this.#call('GET', placeIn(location));
    }
  }

  /** The name in the registry may be the registration ID, or another. */
  async #device(id: string): Promise<v.InferOutput<typeof Device> | undefined> {
    const isIt = ({ properties }: v.InferOutput<typeof Device>): boolean => properties?.externalDeviceId === id;
    const path = this.#path(`/registryDevices/${encodeURIComponent(id)}`);
    const named = NAMED.test(id) ? await orAbsent(this.#desk, WHO, () => this.#once('GET', path)) : undefined;
    const device = named && v.parse(Device, named.body);
    if (device !== undefined && isIt(device)) return device;
    let next: string | undefined = this.#path('/registryDevices');
    while (next !== undefined) {
      const page: v.InferOutput<typeof Devices> = v.parse(Devices, (await this.#call('GET', next)).body);
      const found = page.value.find(isIt);
      if (found !== undefined) return found;
      next = page.nextLink && placeIn(page.nextLink);
    }
    return undefined;
  }

  #path = (below: string): string => `${this.namespace}${below}?api-version=${VERSION}`;

  #ask(method: 'GET' | 'POST', below: string): Promise<Answer> {
    return this.#call(method, this.#path(below));
  }

  #call(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return asking(this.#desk, WHO, () => this.#once(method, path));
  }

  #once(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#client.executeApiCall(method, path, {}, undefined, (error, body, response) => {
        if (error) reject(error);
        else resolve({ body, status: response.statusCode, headers: response.headers });
      });
    });
  }
}

/** A link of Resource Manager names its host; the token goes to the one that was named by the operator. */
function placeIn(link: string): string {
  const { pathname, search } = new URL(link, `https://${PUBLIC}`);
  return `${pathname}${search}`;
}
