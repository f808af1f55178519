import type { Client, Twin } from 'azure-iot-device';
import type { IPublishPacket } from 'mqtt';
import { within } from '../mqtt/within.ts';
import { Fault } from '../roll/failure.ts';
import { isObject, patch } from './patch.ts';

/** The reported property that newleaf owns. */
const PROPERTY = 'newleaf';

/**
 * The twin over one connection. What azure-iot-device-mqtt 1.16.4 makes of an answer cannot be relied on: a body that
 * is not JSON, or an empty one to a read, is an uncaught exception (mqtt_twin_client.js), and an empty one to a write
 * is success whatever its status is. So every answer is looked at before the SDK sees it.
 */
export class HubTwin {
  readonly #client: Client;
  readonly #limitMs: number;
  /** Fulfilled when the connection is gone, with the reason. */
  readonly #gone: Promise<Error>;
  #twin: Twin | undefined;
  /** What the hub has of the property: as it was read, then as it was written. */
  #held: unknown;
  #status = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(client: Client, limitMs: number, gone: Promise<Error>) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#gone = gone;
  }

  /** Looks at `$iothub/twin/res/{status}/?$rid={id}` first. Returns why the connection must end, if it must. */
  admit(packet: IPublishPacket): Fault | undefined {
    const [, code] = /^\$iothub\/twin\/res([^?]*)/.exec(packet.topic) ?? [];
    if (code === undefined) return undefined;
    this.#status = Number(/^\/(\d{3})\//.exec(code)?.[1] ?? 0);
    const text = packet.payload.toString();
    const body = text === '' ? {} : parse(text);
    if (body === undefined) return new Fault('NL-HUB-TWIN', { cause: `status ${this.#status}, not a JSON object` });
    if (this.#twin !== undefined) return undefined;
    if (this.#status !== 200 || text === '') return new Fault('NL-HUB-TWIN', { cause: `status ${this.#status}` });
    this.#held = isObject(body.reported) ? body.reported[PROPERTY] : undefined;
    // The twin belongs to the other software of the device, too: the SDK would keep all of it, and a reported property
    // called `update` hides the function that writes (azure-iot-device 1.18.4, twin.js).
    packet.payload = '{"desired":{},"reported":{}}';
    return undefined;
  }

  /** Reads the twin. @throws Fault NL-HUB-TWIN, or why the connection is gone */
  async read(abort: AbortSignal): Promise<void> {
    this.#twin = await this.#answered(this.#client.getTwin(), abort);
  }

  /**
   * Writes the reported property, one write after the other, and only where it differs from what the hub has.
   * @throws Fault NL-HUB-TWIN, or why the connection is gone; the next call then tries again
   */
  report(reported: object): Promise<void> {
    const write = this.#last.then(() => this.#write(JSON.parse(JSON.stringify(reported))));
    this.#last = write.catch(() => {});
    return write;
  }

  async #write(reported: object): Promise<void> {
    const twin = this.#twin;
    if (twin === undefined) throw new Fault('NL-HUB-TWIN', { message: 'The twin has not been read.' });
    const change = patch(this.#held, reported);
    if (change === undefined) return;
    const written = new Promise<void>((resolve, reject) => {
      twin.properties.reported.update({ [PROPERTY]: change }, (error?: Error) => (error ? reject(error) : resolve()));
    });
    this.#status = 0;
    const refusal = await this.#answered(written).then(
      () => undefined,
      (error: Error) => error,
    );
    if (refusal instanceof Fault) throw refusal;
    if (refusal !== undefined || this.#status >= 300) {
      const cause = `write: status ${this.#status}${refusal === undefined ? '' : `, ${refusal.message}`}`;
      throw new Fault('NL-HUB-TWIN', { message: 'The hub refused the reported properties.', cause });
    }
    this.#held = reported;
  }

  /** The SDK waits for answers about the twin without a limit, and for ever when the connection goes. */
  #answered<T>(work: Promise<T>, abort?: AbortSignal): Promise<T> {
    const gone = this.#gone.then((error) => {
      throw error;
    });
    const late = () => new Fault('NL-HUB-TWIN', { cause: `no answer within ${this.#limitMs} ms` });
    return within(Promise.race([work, gone]), { abort, after: { ms: this.#limitMs, late } });
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
