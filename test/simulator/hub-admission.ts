import type { IConnectPacket } from 'mqtt-packet';
import type { Namespace } from './adr/namespace.ts';
import type { CaTrust } from './ca-trust.ts';
import { tokenEnd, tokenRefusal } from './device-token.ts';
import type { Caller } from './door.ts';
import type { Faults } from './faults.ts';
import type { HubName } from './log.ts';
import type { Verdict } from './mqtt-endpoint.ts';
import { type Presented, printsOf, validAt } from './presented.ts';
import type { Identity, Registry } from './registry.ts';
import type { Switches } from './switches.ts';
import { hubKnows } from './versions.ts';

/** `{hubhost}/{deviceId}/?api-version=2021-04-12`, then `&DeviceClientType=…`. */
const USERNAME = /^([^/]+)\/([^/]+)\/\?api-version=([^&]+)/;

const NOT_AUTHORIZED = 5;

export interface AdmissionOptions {
  readonly name: HubName;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registry: Registry;
  /** What it is called: host:port of the device side, host of the service side. */
  readonly names: () => readonly string[];
  readonly now: () => number;
  /** Issues to its devices. */
  readonly namespace: Namespace;
  readonly trust: CaTrust;
}

/** Whom a hub lets in. */
export class HubAdmission {
  readonly #options: AdmissionOptions;
  /** Milliseconds since the epoch. */
  readonly #tokenEnds = new WeakMap<Caller, number>();
  readonly #versions = new WeakMap<Caller, string>();
  /** Connects refused, and the moment of the write, since each identity was last written. */
  readonly #settling = new Map<string, { refused: number; since: number }>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Of a device that came with a token, in milliseconds since the epoch. */
  tokenEnd(caller: Caller): number | undefined {
    return this.#tokenEnds.get(caller);
  }

  /** The api-version of a session. */
  version(caller: Caller): string {
    return this.#versions.get(caller) ?? '';
  }

  /** The identity was written: CONNACK 5 can be transient from now on (azure-iot-sdk-c#373). */
  written(deviceId: string): void {
    this.#settling.set(deviceId, { refused: 0, since: Date.now() });
  }

  /** Only validity and thumbprint of the leaf count, its CA, or the token: with a thumbprint, chain and EKU are ignored (iotedge PR#621). */
  judge(connect: IConnectPacket, caller: Caller): Verdict {
    const { clientId, username = '' } = connect;
    const { presented } = caller;
    const { registry, switches, now } = this.#options;
    if (presented && !validAt(presented.leaf, now())) return { close: 'leaf expired or not valid yet' };
    const identity = registry.find(clientId);
    const [, host = '', deviceId, version = ''] = USERNAME.exec(username) ?? [];
    if (deviceId !== clientId) {
      return { code: NOT_AUTHORIZED, reason: 'client id differs from the device id of the username' };
    }
    if (!this.#options.names().includes(host.toLowerCase())) {
      return { code: NOT_AUTHORIZED, reason: 'the username names another hub' };
    }
    if (!hubKnows(version, switches.hubVersions)) {
      return { code: NOT_AUTHORIZED, reason: `api-version ${version} is not known` };
    }
    this.#versions.set(caller, version);
    if (identity === undefined) return { code: NOT_AUTHORIZED, reason: 'no such device' };
    if (identity.status === 'disabled') return { code: switches.disabledConnack, reason: 'device disabled' };
    const { key, secondaryKey = key } = identity.thumbprints;
    if (key !== undefined && secondaryKey !== undefined) {
      const refusals = [key, secondaryKey].map((one) => tokenRefusal(connect, one, now()));
      const [refusal] = refusals;
      if (refusal !== undefined && !refusals.includes(undefined)) return { code: NOT_AUTHORIZED, reason: refusal };
      this.#tokenEnds.set(caller, tokenEnd(connect));
    } else {
      const verdict = this.#judgeLeaf(identity, presented);
      if (verdict !== undefined) return verdict;
    }
    return this.#settles(clientId) ? { code: NOT_AUTHORIZED, reason: 'fault' } : { code: 0 };
  }

  /** Undefined where the leaf opens the hub. */
  #judgeLeaf({ deviceId, thumbprints }: Identity, presented: Presented | undefined): Verdict | undefined {
    const { primary, secondary, byCa } = thumbprints;
    const { trust, now } = this.#options;
    if (presented && printsOf(presented).some((print) => print === primary || print === secondary)) return undefined;
    if (!presented || !byCa) return { code: NOT_AUTHORIZED, reason: 'thumbprint does not match' };
    const reason = trust.refusal(presented, deviceId, now());
    return reason === undefined ? undefined : { code: NOT_AUTHORIZED, reason };
  }

  #settles(deviceId: string): boolean {
    const fault = this.#options.faults.peek(this.#options.name, 'transient-5');
    const settling = this.#settling.get(deviceId);
    if (fault === undefined || settling === undefined) return false;
    settling.refused += 1;
    return settling.refused <= (fault.times ?? 0) || Date.now() - settling.since < (fault.ms ?? 0);
  }
}
