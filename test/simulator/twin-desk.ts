import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Fields, HubName, LogEvent } from './log.ts';
import type { MqttLink } from './mqtt-link.ts';
import type { Registry } from './registry.ts';
import type { Switches } from './switches.ts';
import { tooLarge, wellFormed } from './twin-limits.ts';

const READ = /^\$iothub\/twin\/GET\/\?\$rid=([^&]+)/;
const REPORT = /^\$iothub\/twin\/PATCH\/properties\/reported\/\?\$rid=([^&]+)(?:&\$version=(\d+))?/;

export interface TwinDeskOptions {
  readonly name: HubName;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly registry: Registry;
  readonly note: (link: MqttLink, event: LogEvent, fields?: Fields) => void;
}

/** What devices ask of their twins over MQTT (iot-mqtt-connect-to-iot-hub). */
export class TwinDesk {
  readonly #options: TwinDeskOptions;

  constructor(options: TwinDeskOptions) {
    this.#options = options;
  }

  /** Whether the topic is a request of this kind. */
  knows(topic: string): boolean {
    return READ.test(topic) || REPORT.test(topic);
  }

  answer(link: MqttLink, topic: string, payload: Buffer): void {
    const [, readRid] = READ.exec(topic) ?? [];
    const [, reportRid, version] = REPORT.exec(topic) ?? [];
    if (readRid !== undefined) this.#read(link, readRid);
    else if (reportRid !== undefined) this.#report(link, reportRid, payload, version);
  }

  #read(link: MqttLink, rid: string): void {
    this.#options.note(link, 'twin');
    const failed = this.#take(link, 'twin-status');
    if (failed) {
      link.publish(`$iothub/twin/res/${failed.status ?? 429}/?$rid=${rid}`, '');
    } else if (!this.#take(link, 'no-twin')) {
      const { desired, desiredVersion, reported, reportedVersion } = this.#options.registry.twin(link.clientId);
      link.publish(`$iothub/twin/res/200/?$rid=${rid}`, {
        desired: { ...desired, $version: desiredVersion },
        reported: { ...reported, $version: reportedVersion },
      });
    }
  }

  #report(link: MqttLink, rid: string, payload: Buffer, version: string | undefined): void {
    const patch = parsed(payload);
    this.#options.note(link, 'reported', { body: patch });
    const failed = this.#take(link, 'twin-status');
    const status = failed ? (failed.status ?? 429) : this.#written(link.clientId, patch, version);
    const { reportedVersion } = this.#options.registry.twin(link.clientId);
    link.publish(`$iothub/twin/res/${status}/?$rid=${rid}${status === 204 ? `&$version=${reportedVersion}` : ''}`, '');
  }

  /** Writes the patch, and gives the status of the answer. */
  #written(deviceId: string, patch: unknown, version: string | undefined): number {
    const { registry, switches } = this.#options;
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch) || !wellFormed(patch)) return 400;
    if (version !== undefined && Number(version) !== registry.twin(deviceId).reportedVersion) return 412;
    if (tooLarge(registry.withReported(deviceId, patch))) return switches.oversizedReported;
    registry.patchReported(deviceId, patch);
    return 204;
  }

  #take(link: MqttLink, name: FaultName): FaultOptions | undefined {
    return this.#options.faults.take(this.#options.name, name, link.caller.connection);
  }
}

/** JSON, or undefined where it is none. */
export function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}
