import { messageSize, readBag } from './bag.ts';
import type { FaultName, FaultOptions, Faults } from './faults.ts';
import { Line } from './line.ts';
import type { Fields, HubName, LogEvent } from './log.ts';
import type { MqttLink } from './mqtt-link.ts';
import { type Arrival, Telemetry, type TelemetryMessage } from './telemetry.ts';

/** "Device-to-cloud messages … up to 256 KB" (iot-hub-devguide-messages-d2c). */
const LARGEST = 262_144;
/** A body up to this length is in the log, too: the log is not to grow by all that arrives. */
const LOGGED = 256;
const DEFAULT_RATE = 100;
/** How late a throttled message may be taken before the connection is closed. */
const DEFAULT_PATIENCE_MS = 10_000;
/** How far a device may be ahead of the rate: a hub "accepts requests above the throttle for a limited time". */
const BURST_MS = 1_000;

/** One connection. */
interface Flow {
  /** Messages that a throttled hub has not taken yet. */
  readonly entering: Line;
  readonly acknowledging: Line;
  readonly unacknowledged: Set<TelemetryMessage>;
}

export interface IntakeOptions {
  readonly name: HubName;
  readonly faults: Faults;
  readonly note: (link: MqttLink, event: LogEvent, fields: Fields) => void;
}

/**
 * What a hub does with the messages that its devices send. It says no by closing the connection, as MQTT 3.1.1 has no word
 * for it; the PUBACKs of before go out first.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #devices = new Map<string, Telemetry>();
  readonly #flows = new Map<MqttLink, Flow>();
  /** When a throttled hub would be done with all that it has let in: of performance.now(). */
  #doneAt = 0;
  /** By which fault. */
  #throttled: FaultOptions | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Of one device. */
  of(deviceId: string): Telemetry {
    const known = this.#devices.get(deviceId);
    const telemetry = known ?? new Telemetry();
    if (known === undefined) this.#devices.set(deviceId, telemetry);
    return telemetry;
  }

  /** A PUBLISH; `puback` tells whether the PUBACK went out. */
  arrived(link: MqttLink, arrival: Arrival, puback: () => boolean): void {
    const refusal = this.#refusal(link, arrival);
    const wait = refusal === undefined ? this.#throttle(link) : 0;
    if (refusal !== undefined) link.finish(refusal);
    else if (wait === undefined) link.finish('throttled');
    else this.#flow(link).entering.add(wait, () => this.#take(link, arrival, puback));
  }

  /** The connection ended. What a throttled hub has not taken by then is lost. */
  closed(link: MqttLink): void {
    const flow = this.#flows.get(link);
    if (flow === undefined) return;
    this.#flows.delete(link);
    flow.entering.end();
    flow.acknowledging.end();
    for (const message of flow.unacknowledged) this.of(link.clientId).owe(message);
  }

  #take(link: MqttLink, arrival: Arrival, puback: () => boolean): void {
    if (link.ending) return;
    const message = this.of(link.clientId).take(arrival);
    const { index, body, bag } = message;
    const logged = body.length <= LOGGED ? { body } : {};
    this.#options.note(link, 'telemetry', { code: index, reason: bag, ...logged });
    if (arrival.qos === 0) return;
    const { unacknowledged, acknowledging } = this.#flow(link);
    unacknowledged.add(message);
    if (this.#strikes(link, 'drop-puback')) {
      link.finish('fault');
      return;
    }
    const delay = this.#strikes(link, 'puback-delay')?.ms ?? 0;
    acknowledging.add(delay, () => {
      if (puback()) unacknowledged.delete(message);
    });
  }

  /** Why the connection is closed, and the message not taken. */
  #refusal(link: MqttLink, { bag, body }: Arrival): string | undefined {
    const { name, faults } = this.#options;
    const properties = readBag(bag);
    if (properties === undefined) return `malformed properties: ${bag}`;
    const size = messageSize(properties, body);
    if (size > LARGEST) return `message of ${size} bytes`;
    const poison = faults.peek(name, 'poison');
    if (poison && body.includes(poison.message ?? '') && this.#strikes(link, 'poison')) return 'fault';
    if (this.#strikes(link, 'quota-used')) return 'quota used up';
    return this.#strikes(link, 'close-on-publish') && 'fault';
  }

  /**
   * How long this message waits. The first are taken at once, then each waits longer ("traffic shaping",
   * iot-hub-devguide-quotas-throttling), and at last the connection is closed: undefined. The rate is that of the hub.
   */
  #throttle(link: MqttLink): number | undefined {
    const { name, faults } = this.#options;
    const throttle = faults.peek(name, 'throttle');
    if (throttle !== this.#throttled) this.#doneAt = 0;
    this.#throttled = throttle;
    if (throttle === undefined) return 0;
    const { rate = DEFAULT_RATE, ms = DEFAULT_PATIENCE_MS } = throttle;
    const now = performance.now();
    const doneAt = Math.max(this.#doneAt, now) + 1_000 / rate;
    const wait = doneAt - now - BURST_MS;
    if (wait > ms) {
      this.#strikes(link, 'throttle');
      return undefined;
    }
    this.#doneAt = doneAt;
    return wait;
  }

  #flow(link: MqttLink): Flow {
    const known = this.#flows.get(link);
    const flow = known ?? { entering: new Line(), acknowledging: new Line(), unacknowledged: new Set() };
    if (known === undefined) this.#flows.set(link, flow);
    return flow;
  }

  #strikes(link: MqttLink, fault: FaultName): FaultOptions | undefined {
    const { name, faults } = this.#options;
    return faults.take(name, fault, link.caller.connection);
  }
}
