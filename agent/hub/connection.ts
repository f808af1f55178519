import common, { type AuthenticationProvider } from 'azure-iot-common';
import device, { type Client, type DeviceMethodRequest, type DeviceMethodResponse } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { MqttBase } from 'azure-iot-mqtt-base';
import type { IPublishPacket } from 'mqtt';
import type { TlsConnector } from '../../hsm/connector.ts';
import type { WireAnswer, WireAnswerer } from '../ask/wire.ts';
import { type Failure, Fault } from '../failure/failure.ts';
import type { HubSession, SessionUser } from '../mqtt/hub-session.ts';
import { Tap } from '../mqtt/tap.ts';
import { readTopic } from '../mqtt/topic.ts';
import type { Way } from '../mqtt/way.ts';
import { type Assignment, placeOf } from '../roll/leaf.ts';
import type { Clock } from '../time/clock.ts';
import type { Keepalive } from './keepalive.ts';
import { hubLinkFault } from './link-fault.ts';
import { METHOD_NAMES, readCall } from './methods.ts';
import { HubTwin } from './twin.ts';

export interface ConnectionOptions {
  readonly assignment: Assignment;
  readonly way: Way;
  readonly connector: TlsConnector;
  /** SharedAccessSignature of a device that has no certificate. */
  readonly token: string | undefined;
  /** Answers direct methods: at once, before the work begins. */
  readonly answer: WireAnswerer;
  /** The version of newleaf; the hub sees it as product information. */
  readonly version: string;
  /** Longest time from dialling to CONNACK, in milliseconds. */
  readonly connectMs: number;
  /** Longest wait for the answer to a twin read or write, in milliseconds. */
  readonly twinMs: number;
  /** Ends that wait. */
  readonly clock: Pick<Clock, 'sleep'>;
  readonly keepalive: Keepalive;
  /** In place of the one of the SDK. */
  readonly apiVersion?: string | undefined;
  /** Gets the topic of each message that newleaf ignores. */
  readonly dropped: (topic: string) => void;
  readonly user?: SessionUser | undefined;
  /** Whether the hub at this place has accepted a newer connection; asked when this one is gone. */
  readonly isReplaced: (place: string) => Promise<boolean>;
}

/** One connection to a hub by one SDK client, both used once: a client loses its listeners when it is closed. */
export class Connection {
  /** Hub and device: of one place, a hub holds one connection. */
  readonly place: string;
  /** Whether CONNACK 0 came. Never rejected. */
  readonly accepted: Promise<boolean>;
  /** Fulfilled when the connection is gone, with the reason. */
  readonly gone: Promise<Error>;
  /** What the second user may do with it. */
  readonly session: HubSession;
  readonly #tap: Tap;
  readonly #client: Client;
  readonly #twin: HubTwin;
  readonly #keepalive: Keepalive;
  readonly #answer: WireAnswerer;
  readonly #dropped: (topic: string) => void;
  readonly #user: SessionUser | undefined;
  #ended = false;
  /** Given up by its second user. */
  #why: Fault | undefined;
  #acceptedAt = 0;
  #heldMs = 0;

  /** Dials at once. @throws TypeError when the hub of the assignment is no host */
  constructor({
    assignment,
    way,
    connector,
    token,
    answer,
    version,
    connectMs,
    twinMs,
    clock,
    keepalive,
    apiVersion,
    dropped,
    user,
    isReplaced,
  }: ConnectionOptions) {
    const { hub: host, deviceId } = assignment;
    this.place = placeOf({ hub: host, deviceId });
    const tap = new Tap({
      host,
      way,
      connector,
      connectMs,
      pings: keepalive.begin(),
      apiVersion,
      admit: (packet) => this.#admit(packet),
      sent: (packet) => this.#twin.sent(packet),
    });
    const client = device.Client.fromAuthenticationProvider(
      token === undefined
        ? // The SDK insists on a certificate and a key; the tap drops them.
          new device.X509AuthenticationProvider({ host, deviceId, x509: { cert: 'unused', key: 'unused' } })
        : device.SharedAccessSignatureAuthenticationProvider.fromSharedAccessSignature(token),
      class extends Mqtt {
        constructor(identity: AuthenticationProvider) {
          super(identity, new MqttBase(tap));
        }
      },
    );
    client.setRetryPolicy(new common.NoRetry());
    // The SDK emits it when the end of the connection cuts off a subscription, and it has no other listener.
    client.on('error', () => {});
    client.setOptions({ productInfo: `newleaf/${version}` }).catch(() => {});

    this.#tap = tap;
    this.#client = client;
    this.#keepalive = keepalive;
    this.#answer = answer;
    this.#dropped = dropped;
    this.#user = user;
    this.session = {
      deviceId,
      publish: (message) => tap.asked.publish(message),
      subscribe: (filter, qos) => tap.asked.subscribe(filter, qos),
      unsubscribe: (filter) => tap.asked.unsubscribe(filter),
      giveUp: (why) => {
        this.#why ??= new Fault('NL-HUB-LOST', { cause: why });
        tap.end();
      },
      closed: tap.closed.then(async () => (this.#ended || (await isReplaced(this.place)) ? 'ended' : 'lost')),
    };
    this.gone = tap.closed.then(() => {
      this.#heldMs = performance.now() - this.#acceptedAt;
      return this.#why ?? hubLinkFault(tap.attempt);
    });
    this.#twin = new HubTwin(client, twinMs, clock, this.gone);
    const opened = client.open().then(
      () => {
        this.#acceptedAt = performance.now();
        return true;
      },
      // Name and text of the SDK's error are not reliable; the tap knows the reason.
      () => {
        tap.end();
        return false;
      },
    );
    this.accepted = Promise.race([opened, this.gone.then(() => false)]);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Time from CONNACK 0 to the end, in milliseconds. */
  get heldMs(): number {
    return this.#heldMs;
  }

  /** What its end says about the way; to be asked once. An end by newleaf itself says nothing. */
  wasIdle(): Failure | undefined {
    const { quiet } = this.#tap;
    return quiet === undefined || this.#ended || this.#why !== undefined ? undefined : this.#keepalive.ended(quiet);
  }

  /** Time since the last packet of the hub, in milliseconds. */
  get silentMs(): number | undefined {
    return this.#tap.silentMs;
  }

  /** Serves direct methods and reads the twin. @throws Fault NL-HUB-TWIN, or why the connection is gone */
  async prove(abort: AbortSignal): Promise<void> {
    for (const name of METHOD_NAMES) {
      this.#client.onDeviceMethod(name, (request, response) => void this.#serve(request, response));
    }
    await this.#twin.read(abort);
  }

  /** @throws Fault NL-HUB-TWIN, or why the connection is gone */
  report(reported: object): Promise<void> {
    return this.#twin.report(reported);
  }

  /** Ends the connection, after the answers of methods that are on their way. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#tap.end();
    await this.#tap.closed;
  }

  #admit(packet: IPublishPacket): boolean | Promise<void> {
    const topic = readTopic(packet.topic);
    if (topic?.of === 'method' && METHOD_NAMES.includes(topic.name)) {
      // Only newleaf reads a call without a payload as JSON; the SDK throws (azure-iot-device 1.18.4, device_method_request.js).
      if (packet.payload.length === 0) packet.payload = 'null';
      return true;
    }
    if (topic?.of === 'twin-answer' && this.#twin.admit(packet, topic)) return true;
    // A call of newleaf's own that has no good request: programs must not see it, either.
    if (METHOD_NAMES.some((name) => packet.topic.startsWith(`$iothub/methods/POST/${name}/`))) {
      this.#dropped(packet.topic);
      return false;
    }
    const message = {
      topic: packet.topic,
      payload: Buffer.from(packet.payload),
      qos: packet.qos === 1 ? 1 : 0,
    } as const;
    const taken = this.#user?.arrived(this.session, message);
    if (taken !== undefined) return taken;
    this.#dropped(packet.topic);
    // Without an answer the caller would wait until its time is up, and not know why.
    if (topic?.of === 'method') this.#refuse(topic.name, topic.request);
    return false;
  }

  #refuse(name: string, request: string): void {
    const payload = Buffer.from(JSON.stringify({ message: `This gateway has no direct method ${name}.` }));
    this.session.publish({ topic: `$iothub/methods/res/404/?$rid=${request}`, payload, qos: 0 }).catch(() => {});
  }

  async #serve({ methodName, payload }: DeviceMethodRequest, response: DeviceMethodResponse): Promise<void> {
    const call = readCall(methodName, payload);
    const { status, body } =
      'wrong' in call ? { status: 400, body: call.wrong } : await this.#answer(call.ask).catch(defect);
    // The connection may be gone by now: the caller then gets no answer, and asks again.
    await response.send(status, body).catch(() => {});
  }
}

function defect(error: unknown): WireAnswer {
  const { failure } = error instanceof Fault ? error : new Fault('NL-INTERNAL', { cause: error });
  return { status: 500, body: { code: failure.code, message: failure.message } };
}
