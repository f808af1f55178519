import type { Client, Twin } from 'azure-iot-device';
import type { IPublishPacket } from 'mqtt';
import { type FailureDetail, Fault } from '../failure/failure.ts';
import { USER_REQUEST } from '../mqtt/hub-session.ts';
import { isObject, jsonIn, said } from '../mqtt/json.ts';
import type { Topic } from '../mqtt/topic.ts';
import type { Clock } from '../time/clock.ts';
import { Turns } from '../time/turns.ts';
import { within } from '../time/within.ts';
import { patch } from './patch.ts';

/** The reported property that newleaf owns. */
const PROPERTY = 'newleaf';
const ASKED = /^\$iothub\/twin\/(?:GET|PATCH)\/.*\?\$rid=([^&]+)/;

/**
 * The twin over one connection. The answers of azure-iot-device-mqtt 1.16.4 are not reliable: a body that is not JSON, or an
 * empty one to a read, is an uncaught exception (mqtt_twin_client.js), and an empty one to a write is success whatever its
 * status is. So every answer is read here, and the SDK only learns that it came.
 */
export class HubTwin {
  readonly #client: Client;
  readonly #limitMs: number;
  readonly #clock: Pick<Clock, 'sleep'>;
  /** Aborted when the connection is gone, with the reason. */
  readonly #gone = new AbortController();
  #twin: Twin | undefined;
  /** The property at the hub: as it was read, then as it was written. */
  #held: unknown;
  /** The request that waits for its answer, and the fault of that answer. */
  #request: string | undefined;
  #refusal: Fault | undefined;
  readonly #turns = new Turns();

  /** @param gone fulfilled when the connection is gone, with the reason */
  constructor(client: Client, limitMs: number, clock: Pick<Clock, 'sleep'>, gone: Promise<Error>) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#clock = clock;
    void gone.then((reason) => this.#gone.abort(reason));
  }

  sent({ topic }: IPublishPacket): void {
    const request = ASKED.exec(topic)?.[1];
    if (request !== undefined && !request.startsWith(USER_REQUEST)) this.#request = request;
  }

  /** Reads an answer about the twin before the SDK does. @returns whether it is the awaited one */
  admit(packet: IPublishPacket, { status, request }: Extract<Topic, { of: 'twin-answer' }>): boolean {
    // The SDK looks for the request in an object with a prototype: `__proto__` is an uncaught TypeError (mqtt_twin_client.js).
    if (request !== this.#request) return false;
    this.#request = undefined;
    packet.topic = `$iothub/twin/res/200/?$rid=${request}`;
    const text = packet.payload.toString();
    const json = text === '' ? {} : jsonIn(text);
    const body = isObject(json) ? json : undefined;
    if (body === undefined) this.#refusal = refused(`status ${status}, not a JSON object`);
    if (this.#twin !== undefined) {
      packet.payload = '';
      if (status < 200 || status > 299)
        this.#refusal = refused([`write: status ${status}`, said(body?.message)].filter(Boolean).join(', '), UNWRITTEN);
      return true;
    }
    if (status !== 200 || text === '') this.#refusal = refused(`status ${status}`);
    this.#held = isObject(body?.reported) ? body.reported[PROPERTY] : undefined;
    // Other software of the device uses the twin, too: the SDK would keep all of it, and a reported property called `update`
    // hides the function that writes (azure-iot-device 1.18.4, twin.js).
    packet.payload = '{"desired":{},"reported":{}}';
    return true;
  }

  /** Reads the twin. @throws Fault NL-HUB-TWIN, or why the connection is gone */
  async read(abort: AbortSignal): Promise<void> {
    this.#twin = await this.#answered(() => this.#client.getTwin(), abort);
  }

  /**
   * Writes the reported property, one write after the other, and only where it differs from what the hub has.
   * @throws Fault NL-HUB-TWIN, or why the connection is gone; the next call then tries again
   */
  report(reported: object): Promise<void> {
    return this.#turns.take(() => this.#write(JSON.parse(JSON.stringify(reported))));
  }

  async #write(reported: object): Promise<void> {
    const twin = this.#twin;
    if (twin === undefined) throw new Fault('NL-HUB-TWIN', { message: 'The twin has not been read.' });
    const change = patch(this.#held, reported);
    if (change === undefined) return;
    const update = () =>
      new Promise<void>((resolve, reject) => {
        twin.properties.reported.update({ [PROPERTY]: change }, (error?: Error) => (error ? reject(error) : resolve()));
      });
    await this.#answered(update);
    this.#held = reported;
  }

  /** The SDK waits for answers about the twin without a limit, and for ever when the connection goes. */
  async #answered<T>(ask: () => Promise<T>, abort?: AbortSignal): Promise<T> {
    this.#request = undefined;
    this.#refusal = undefined;
    let said: Error | undefined;
    // Every answer is read here, so an error of the SDK means only that the connection ends: a moment before the tap reports
    // it, and without its reason ("Connection closed" of mqtt 4.3.8).
    const asked = ask().catch((error: Error) => {
      said = error;
      return new Promise<never>(() => {});
    });
    const late = () =>
      new Fault('NL-HUB-TWIN', { cause: said ? said.message : `no answer within ${this.#limitMs} ms` });
    const answered = within(asked, { abort: this.#gone.signal });
    const answer = await within(answered, { abort, after: { ms: this.#limitMs, late, clock: this.#clock } });
    if (this.#refusal !== undefined) throw this.#refusal;
    return answer;
  }
}

const refused = (cause: string, more: FailureDetail = {}) => new Fault('NL-HUB-TWIN', { ...more, cause });
const UNWRITTEN = { message: 'The hub refused the reported properties.' };
