import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import type { Az, Options } from './az.ts';
import type { Mask } from './mask.ts';
import { type Screen, wordsOf } from './screen.ts';

const TAG = 'newleaf-field';
const RETRY_MS = 5_000;

const Dps = v.object({
  properties: v.object({
    idScope: v.string(),
    deviceProvisioningHostName: v.string(),
    serviceOperationsHostName: v.string(),
  }),
});
const Hub = v.object({ properties: v.object({ hostName: v.string() }) });
const Policy = v.object({ primaryKey: v.string() });
const Tags = v.nullish(v.record(v.string(), v.string()));

/** Where the services are, and how the operator gets in. */
export interface Services {
  readonly idScope: string;
  /** The DPS of devices. */
  readonly dps: string;
  readonly dpsHost: string;
  readonly hubHost: string;
  /** Connection strings: secrets. */
  readonly dpsService: string;
  readonly hubService: string;
}

/** A resource group with a DPS and a free hub, under a name of its own, and its end. */
export class Resources {
  /** Of the group, of the DPS and of the hub: the names of the last two are taken by the whole world. */
  readonly name: string;
  readonly #tag = randomBytes(12).toString('hex');
  readonly #az: Az;
  readonly #mask: Mask;
  readonly #screen: Screen;
  readonly #stop: AbortSignal;
  /** From here on the group may be there. */
  #begun = false;
  #cas = 0;

  /** @param stop after which nothing more is made */
  constructor(az: Az, mask: Mask, screen: Screen, stop: AbortSignal) {
    this.name = `newleaf-field-${randomBytes(5).toString('hex')}`;
    this.#az = az;
    this.#mask = mask;
    this.#screen = screen;
    this.#stop = stop;
  }

  /** What a person types to delete all of it. */
  get deletion(): string {
    return `az group delete --name ${this.name} --yes`;
  }

  /**
   * Makes all of it. What was made before a failure stays, for `remove`.
   * @throws AzFailed, and Error where the group is there already
   */
  async make(location: string): Promise<Services> {
    const { name } = this;
    if (await this.#exists()) throw new Error(`There is a resource group ${name} already. Nothing was touched.`);
    await this.#create(location);
    return this.#screen.during('How to get in', '', () => this.#look());
  }

  /** Uploads a CA to DPS, which takes it for verified: the chain of a member of a group must reach one. */
  async verify(file: string): Promise<void> {
    this.#cas += 1;
    await this.#ask('iot dps certificate create', {
      'dps-name': this.name,
      'resource-group': this.name,
      'certificate-name': `ca-${this.#cas}`,
      path: file,
      verified: 'true',
    });
  }

  /**
   * Deletes the group, and looks whether it is gone. A group without the tag of this run is another's, and stays.
   * @returns whether nothing is left
   */
  async remove(): Promise<boolean> {
    if (!this.#begun) return true;
    await this.#az.idle();
    for (const isLast of [false, true]) {
      try {
        return await this.#remove();
      } catch (error) {
        this.#screen.say(`It is not deleted: ${wordsOf(error)}`);
        if (!isLast) await pause(RETRY_MS);
      }
    }
    return false;
  }

  async #create(location: string): Promise<void> {
    const { name } = this;
    const step = (title: string, about: string, command: string, options: Options): Promise<unknown> =>
      this.#screen.during(
        title,
        about,
        () => this.#ask(command, options),
        (_, took) => `made, ${took}`,
      );
    const inGroup = { name, 'resource-group': name };
    this.#begun = true;
    await step(`Resource group ${name}`, '', 'group create', { name, location, tags: `${TAG}=${this.#tag}` });
    // F1 has two partitions, and `az` asks for four unless it is told.
    const free = { sku: 'F1', 'partition-count': '2' };
    await step('Hub, of the free tier', 'some minutes', 'iot hub create', { ...inGroup, location, ...free });
    await step('DPS', 'a minute', 'iot dps create', { ...inGroup, location });
    // By the name of the hub: a connection string would be a secret among the arguments.
    const linked = { 'dps-name': name, 'resource-group': name, 'hub-name': name, 'hub-resource-group': name };
    await step('The link between both', '', 'iot dps linked-hub create', linked);
  }

  async #look(): Promise<Services> {
    const { name } = this;
    const inGroup = { name, 'resource-group': name };
    const hub = v.parse(Hub, await this.#ask('iot hub show', inGroup));
    const dps = v.parse(Dps, await this.#ask('iot dps show', inGroup));
    const keyOf = async (command: string, options: Options): Promise<string> => {
      const { primaryKey } = v.parse(Policy, await this.#ask(command, { ...options, 'resource-group': name }));
      this.#mask.hide(primaryKey);
      return primaryKey;
    };
    const hubKey = await keyOf('iot hub policy show', { 'hub-name': name, name: 'iothubowner' });
    const dpsKey = await keyOf('iot dps policy show', { 'dps-name': name, pn: 'provisioningserviceowner' });
    const { idScope, deviceProvisioningHostName, serviceOperationsHostName } = dps.properties;
    const { hostName } = hub.properties;
    const access = (host: string, policy: string, key: string): string =>
      `HostName=${host};SharedAccessKeyName=${policy};SharedAccessKey=${key}`;
    return {
      idScope,
      dps: deviceProvisioningHostName,
      dpsHost: serviceOperationsHostName,
      hubHost: hostName,
      dpsService: access(serviceOperationsHostName, 'provisioningserviceowner', dpsKey),
      hubService: access(hostName, 'iothubowner', hubKey),
    };
  }

  /** For all that makes something, and what leads to it. */
  async #ask(command: string, options: Options): Promise<unknown> {
    this.#stop.throwIfAborted();
    return this.#az.ask(command, options);
  }

  async #exists(): Promise<boolean> {
    return (await this.#az.ask('group exists', { name: this.name })) === true;
  }

  async #remove(): Promise<boolean> {
    if (!(await this.#exists())) return true;
    const tags = v.parse(Tags, await this.#az.ask('group show', { name: this.name, query: 'tags' }));
    if (tags?.[TAG] !== this.#tag) {
      this.#screen.say(`The group ${this.name} has not the tag of this run: it is left alone.`);
      return false;
    }
    await this.#az.ask('group delete', { name: this.name, yes: true });
    if (await this.#exists()) throw new Error(`${this.name} is still there.`);
    return true;
  }
}
