import type { Duplex } from 'node:stream';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import type { Authenticate, Client } from '../ports.ts';
import type { Member } from './admission.ts';
import type { WireContext } from './context.ts';
import { Link, type LinkOwner } from './link.ts';
import { PacketsIn } from './packets-in.ts';
import { PacketsOut } from './packets-out.ts';
import { Requests } from './requests.ts';
import { WrongLevel } from './violation.ts';

/** MQTT 3.1.1 section 3.1.2.10: "one and a half times the Keep Alive time period". */
const KEEP_ALIVE = 1_500;

/** CONNACK, MQTT 3.1.1 section 3.2.2.3. */
const WRONG_LEVEL = 1;
const MQTT_5 = 5;
/**
 * CONNACK of MQTT 5 with reason 0x84, which its section 3.1.2.2 allows. Of CONNACK 1 mosquitto_pub 2.0.21 says "Unknown error",
 * because a client of MQTT 5 finds no properties in it.
 */
const UNSUPPORTED_BY_MQTT_5 = Buffer.of(0x20, 3, 0, 0x84, 0);
const IDENTIFIER_REJECTED = 2;
const UNAVAILABLE = 3;

/** One connection, from its first byte: who it is, and when it is over. What a client asks for is answered by its Requests. */
export class ClientConnection implements Member, LinkOwner {
  readonly #context: WireContext;
  readonly #authenticate: Authenticate;
  readonly #link: Link;
  readonly #in: PacketsIn;
  readonly #out: PacketsOut;
  readonly #onClosed: () => void;
  #state: 'waiting' | 'opening' | 'open' | 'over' = 'waiting';
  #client: Client | undefined;
  #requests: Requests | undefined;
  #will: IConnectPacket['will'];
  #broke: string | undefined;
  /** Of the client, by the monotonic clock in milliseconds. */
  #heardAt = 0;
  /** The timer that ends a client which says nothing. */
  #cancel: () => void;

  constructor(socket: Duplex, authenticate: Authenticate, context: WireContext, onClosed: () => void) {
    this.#context = context;
    this.#authenticate = authenticate;
    this.#onClosed = onClosed;
    const { limits, timers } = context;
    this.#in = new PacketsIn(limits.filters);
    this.#cancel = timers.after(limits.connectMs, () => this.finish('it sends no CONNECT'));
    this.#link = new Link(socket, limits, timers, this);
    this.#out = new PacketsOut((bytes) => this.#link.send(bytes));
  }

  frame(frame: Buffer): void {
    this.#heardAt = this.#context.timers.monotonic();
    const packet = this.#read(frame);
    if (packet?.cmd === 'connect')
      this.#open(packet).catch((error: unknown) => this.finish('it cannot be served', true, error));
    else if (packet?.cmd === 'disconnect') {
      this.#will = undefined;
      this.finish('DISCONNECT');
    } else if (packet !== undefined) this.#requests?.take(packet);
  }

  holds(): boolean {
    return this.#state === 'opening' || this.#requests?.isFull === true;
  }

  broken(why: string): void {
    this.#broke = why;
    this.finish(why, true);
  }

  closed(): void {
    this.#context.admission.leave(this);
    this.#onClosed();
  }

  crowdedOut(): void {
    this.drop('there are too many connections', true);
  }

  takenOver(isInRow: boolean): void {
    if (isInRow) this.#broke = 'two of its clients have one client ID';
    this.drop('a newer connection has its client identifier', isInRow);
  }

  /** Ends it at once: its last bytes are not waited for, and its place is free. */
  drop(why: string, isFault = false): void {
    this.finish(why, isFault);
    this.#link.destroy();
    this.#context.admission.leave(this);
  }

  /** Ends it for a reason that is not the client's: its will is not published. */
  dismiss(why: string): void {
    this.#will = undefined;
    this.finish(why);
  }

  /** Ends it, once. The reason is for the log: MQTT 3.1.1 has no word for it. */
  finish(why: string, isFault = false, cause?: unknown): void {
    if (this.#state === 'over') return;
    const before = this.#state;
    this.#state = 'over';
    this.#cancel();
    this.#requests?.end();
    this.#out.end(new Error(`The program is gone: ${why}.`));
    this.#link.end();
    const client = this.#client;
    this.#context.ended(client, why, isFault, cause);
    if (client === undefined) return;
    this.#context.forget(client, this);
    if (before !== 'open') return;
    if (this.#will !== undefined) this.#context.publishWill(client, this.#will);
    this.#context.closed(client, this.#broke);
  }

  #read(frame: Buffer): Packet | undefined {
    try {
      return this.#in.read(frame);
    } catch (error) {
      if (!(error instanceof WrongLevel)) throw error;
      if (error.level !== MQTT_5) return this.#refuse(WRONG_LEVEL, error.message);
      this.#link.send(UNSUPPORTED_BY_MQTT_5);
      this.finish(error.message, true);
      return undefined;
    }
  }

  async #open(packet: IConnectPacket): Promise<void> {
    this.#cancel();
    const client = this.#admit(packet);
    if (client === undefined) return;
    this.#client = client;
    this.#state = 'opening';
    const { rules } = this.#context;
    let isKept = false;
    try {
      isKept = await rules.joined(client);
    } catch (error) {
      if (this.#state === 'opening') this.#refuse(UNAVAILABLE, 'it cannot be served', error);
    }
    if (this.#state !== 'opening') return this.#context.closed(client);
    this.#state = 'open';
    this.#will = packet.will;
    this.#requests = new Requests(client, this.#context, this.#out, {
      eased: () => this.#link.proceed(),
      failed: (error) => this.finish('a message of it is refused', true, error),
    });
    // MQTT 3.1.1 section 3.2.2.2: with clean session there is none of before.
    this.#out.answer({ cmd: 'connack', returnCode: 0, sessionPresent: isKept && !client.clean });
    this.#out.open();
    const { keepalive = 0 } = packet;
    if (keepalive > 0) this.#watchSilence(keepalive * KEEP_ALIVE);
    this.#link.proceed();
  }

  /** With one timer, however much the client says. */
  #watchSilence(longestMs: number, afterMs = longestMs): void {
    const { timers } = this.#context;
    this.#cancel = timers.after(afterMs, () => {
      // One that is not read from cannot be heard.
      if (this.holds()) this.#heardAt = timers.monotonic();
      const leftMs = this.#heardAt + longestMs - timers.monotonic();
      if (leftMs > 0) this.#watchSilence(longestMs, leftMs);
      else this.finish('it is silent for longer than its keep-alive time');
    });
  }

  /** The client of a CONNECT, or the CONNACK that refuses it. */
  #admit({ clientId, clean = false, username, password }: IConnectPacket): Client | undefined {
    const program = this.#authenticate({ clientId, username, password });
    if (typeof program === 'number') {
      return this.#refuse(program, 'the user name and the password are of no program', username);
    }
    // MQTT 3.1.1 section 3.1.3.1: without an identifier nothing can be kept between connections.
    if (clientId === '' && !clean)
      return this.#refuse(IDENTIFIER_REJECTED, 'no client identifier, and no clean session');
    const client: Client = {
      program,
      clientId: clientId === '' ? this.#context.freshId() : clientId,
      clean,
      publish: (message, qos) => this.#out.publish(message, qos),
      end: (reason) => this.finish(reason, true),
    };
    this.#context.takeOver(client, this);
    if (this.#context.admission.join(this, program)) return client;
    this.#context.forget(client, this);
    return this.#refuse(UNAVAILABLE, `${program} has too many connections`);
  }

  #refuse(returnCode: number, why: string, cause?: unknown): undefined {
    this.#out.answer({ cmd: 'connack', returnCode, sessionPresent: false });
    this.finish(why, true, cause);
  }
}
