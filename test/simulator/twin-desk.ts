import type { FaultName, FaultOptions, Faults } from './faults.ts';
import type { Fields, HubName, LogEvent } from './log.ts';
import type { MqttLink } from './mqtt-link.ts';
import type { Registry } from './registry.ts';
import type { Switches } from './switches.ts';
import { tooLarge, wellFormed } from './twin-limits.ts';

const READ = /^\$iothub\/twin\/GET\/\?\$rid=([^&]+)/;
const REPORT = /^\$iothub\/twin\/PATCH\/properties\/reported\/\?\$rid=([^&]+)(?:&\$version=(\d+))?/;

/** Azure/iotedge#7035 saw 403100. */
const OVERSIZED = { 403: 403100, 400: 400004, 413: 413001 } as const;

/**
 * The body of an answer that says no, as in azure-iot-sdk-csharp#420. azure-iot-device-mqtt 1.16.4 takes an answer without an
 * `errorCode` for a yes, whatever the status in its topic.
 */
interface Refusal {
  readonly errorCode: number;
  readonly trackingId: string;
  readonly message: string;
  readonly timestampUtc: string;
}

const refused = (errorCode: number, message: string): Refusal => ({
  errorCode,
  trackingId: '',
  message,
  timestampUtc: new Date().toISOString(),
});

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
      const slow = this.#take(link, 'delay-twin');
      if (slow === undefined) this.#tell(link, rid);
      else setTimeout(() => this.#tell(link, rid), slow.ms ?? 1_000).unref();
    }
  }

  #tell(link: MqttLink, rid: string): void {
    const { desired, desiredVersion, reported, reportedVersion } = this.#options.registry.twin(link.clientId);
    const twin = JSON.stringify({
      desired: { ...desired, $version: desiredVersion },
      reported: { ...reported, $version: reportedVersion },
    });
    const cut = this.#take(link, 'cut-body');
    link.publish(`$iothub/twin/res/200/?$rid=${rid}`, cut ? twin.slice(0, cut.bytes) : twin);
  }

  #report(link: MqttLink, rid: string, payload: Buffer, version: string | undefined): void {
    const patch = parsed(payload);
    this.#options.note(link, 'reported', { body: patch });
    const failed = this.#take(link, 'twin-status');
    const written = failed ? undefined : this.#write(link.clientId, patch, version);
    if (typeof written === 'object') {
      link.publish(`$iothub/twin/res/${Math.trunc(written.errorCode / 1_000)}/?$rid=${rid}`, written);
    } else {
      const answer =
        written === undefined ? `${failed?.status ?? 429}/?$rid=${rid}` : `204/?$rid=${rid}&$version=${written}`;
      link.publish(`$iothub/twin/res/${answer}`, '');
    }
  }

  /** The version of the reported properties after it, or why they cannot be written so. */
  #write(deviceId: string, patch: unknown, version: string | undefined): number | Refusal {
    const { registry, switches } = this.#options;
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch) || !wellFormed(patch)) {
      return refused(400004, "Provided json is not a valid 'tags' or 'properties' object.");
    }
    if (version !== undefined && Number(version) !== registry.twin(deviceId).reportedVersion) {
      return refused(412001, 'Precondition failed.');
    }
    if (tooLarge(registry.withReported(deviceId, patch))) {
      const code = OVERSIZED[switches.oversizedReported];
      return refused(code, "'Properties.Reported' size should be less than 32768 bytes.");
    }
    return registry.patchReported(deviceId, patch).reportedVersion;
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
