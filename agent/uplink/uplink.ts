import { failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Log } from '../machine/log.ts';
import type { HubMessage, HubSession, SessionUser } from '../mqtt/hub-session.ts';
import type { Clock } from '../time/clock.ts';
import { Forwarder } from './forward.ts';
import type { KeptPatch } from './kept-patch.ts';
import { Messages } from './messages.ts';
import { Methods } from './methods.ts';
import type { Client, ClientRules, Message } from './ports.ts';
import type { Program } from './program.ts';
import { Refusals } from './refusals.ts';
import type { Shared } from './shared.ts';
import { SparingLog } from './sparing-log.ts';
import { Subscriptions } from './subscriptions.ts';
import { hasExpired, stamped } from './times.ts';
import { eventFault, readArrived, readFilter, readPublished } from './topics.ts';
import { isPutOff, SharedTwin } from './twin.ts';

interface UplinkOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The most messages a second to the hub. */
  readonly rate: number;
  /** Wall clock in milliseconds; undefined while it is not credible. */
  readonly now: () => number | undefined;
  readonly reported: KeptPatch;
  readonly setAside: Shared['setAside'];
}

/** Between two looks at whether messages move. */
const LOOK_MS = 60_000;

/** As a hub keeps messages: "48 hours" at most (articles/iot-hub/iot-hub-devguide-messages-c2d.md). */
export const LONGEST_AWAY_MS = 48 * 60 * 60_000;

/** Joins the programs to the session with the hub. It knows neither sockets nor disk. */
export class Uplink implements SessionUser, ClientRules {
  readonly #options: UplinkOptions;
  readonly #refusals: Refusals;
  readonly #programs = new Map<string, Program>();
  readonly #forwarder: Forwarder;
  readonly #messages: Messages;
  readonly #methods: Methods;
  readonly #twin: SharedTwin;
  readonly #subscriptions: Subscriptions;
  readonly #over = new AbortController();

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { clock, log, rate } = options;
    const sparing = new SparingLog(log, () => clock.monotonic());
    this.#refusals = new Refusals({ clock, sparing, keep: options.setAside, over: this.#over.signal });
    const setAside = this.#refusals.setAside.bind(this.#refusals);
    const shared: Shared = { programs: () => this.programs, clock, setAside };
    this.#forwarder = new Forwarder(shared, rate);
    this.#messages = new Messages(shared);
    this.#methods = new Methods(shared);
    const refused = (status: number) =>
      sparing.warn(
        'uplink-reported',
        'The hub',
        `${isPutOff(status) ? 'puts off' : 'refuses'} (${status}) what programs reported while it was away`,
      );
    this.#twin = new SharedTwin(shared.programs, options.reported, refused);
    this.#subscriptions = new Subscriptions(
      (kind) => this.programs.some((program) => program.sessions.want(kind)),
      () => this.#twin.followed(),
    );
    void this.#watch();
  }

  get programs(): readonly Program[] {
    return [...this.#programs.values()];
  }

  get pace(): Pick<Forwarder, 'rate' | 'isThrottled'> {
    const { rate, isThrottled } = this.#forwarder;
    return { rate, isThrottled: isThrottled || this.#twin.isThrottled };
  }

  program(name: string): Program | undefined {
    return this.#programs.get(name);
  }

  add(program: Program): void {
    this.#programs.set(program.name, program);
    program.queue.onAppend(() => this.#forwarder.wake());
    this.#forwarder.wake();
    this.#subscriptions.follow();
  }

  /** Ends its clients. Its queues are closed by the caller. */
  remove(name: string): void {
    const program = this.#programs.get(name);
    this.#programs.delete(name);
    for (const client of program?.sessions.clients ?? []) {
      program?.sessions.closed(client);
      client.end('the program was removed');
    }
    if (program !== undefined) this.#messages.deliver(program);
    this.#subscriptions.follow();
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#forwarder.close();
    this.#twin.close();
    await this.#options.reported.save();
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#options.clock.sleep(LOOK_MS, this.#over.signal);
      await this.#options.reported.save();
      const openMs = this.#forwarder.isOpen ? LOOK_MS : 0;
      for (const program of this.programs) {
        program.look(openMs, this.#options.clock.monotonic());
        await this.forget(program, LONGEST_AWAY_MS).catch(() => {});
        await this.#messages.age(program).catch(() => {});
      }
    }
  }

  /**
   * Ends the sessions of clients that are away, and drops what waits for them where no other client of the program wants it.
   * @throws Fault NL-STATE-WRITE, NL-UPLINK-DISK
   */
  async forget(program: Program, longestMs = 0): Promise<{ readonly sessions: number; readonly messages: number }> {
    const sessions = await program.sessions.forget(this.#options.clock.monotonic(), longestMs);
    const isUnwanted = !program.sessions.want('messages') && (longestMs === 0 || sessions > 0);
    const messages = isUnwanted ? await this.#messages.forget(program) : 0;
    if (sessions > 0) this.#subscriptions.follow();
    return { sessions, messages };
  }

  opened(session: HubSession): void {
    this.#subscriptions.opened(session);
    this.#forwarder.opened(session);
    this.#twin.opened(session);
  }

  arrived(session: HubSession, message: HubMessage): Promise<void> | undefined {
    const { topic, payload } = message;
    const arrived = readArrived(topic);
    switch (arrived?.of) {
      case 'message':
        return this.#messages.arrived(session, arrived.bag, message);
      case 'desired':
        this.#twin.changed(message);
        return Promise.resolve();
      case 'twin-answer':
        return this.#twin.answered(arrived, payload) ? Promise.resolve() : undefined;
      case 'method':
        return this.#methods.called(session, topic, arrived.request, payload) ? Promise.resolve() : undefined;
      default:
        return undefined;
    }
  }

  async joined(client: Client): Promise<boolean> {
    const program = this.#programs.get(client.program);
    if (program === undefined) throw new Error(`there is no program ${client.program}`);
    const isKept = await program.sessions.opened(client);
    // After CONNACK.
    setImmediate(() => this.#messages.deliver(program));
    this.#subscriptions.follow();
    return isKept;
  }

  async published(client: Client, message: Message, qos: 0 | 1): Promise<void> {
    const program = this.#programs.get(client.program);
    if (program === undefined) throw new Error('the program was removed');
    if (qos === 1) this.#refusals.follow(client, program);
    const published = readPublished(message.topic);
    if ('wrong' in published) return this.#refusals.reject(client, program, message, published.wrong);
    const { payload } = message;
    switch (published.of) {
      case 'twin-get':
        return this.#twin.read(client, published.request);
      case 'twin-patch':
        return this.#twin.write(client, published.request, payload);
      case 'method-answer':
        return this.#methods.answered(client, published.request, { status: published.status, payload });
    }
    const fault = eventFault(published.bag, payload);
    if (fault !== undefined) return this.#refusals.reject(client, program, message, fault);
    const now = this.#options.now();
    if (hasExpired(published.bag, now)) {
      program.up.expired += 1;
      return;
    }
    const event = { topic: stamped(published.bag, payload, now), payload };
    if (qos === 0) {
      if (await this.#forwarder.pass(program, event)) program.counts.forwarded += 1;
      else program.counts.dropped += 1;
      return;
    }
    try {
      await program.queue.append(event, client);
      program.refusal = undefined;
    } catch (error) {
      program.refusal = failureOf(error);
      await this.#refusals.refuse(client, program, program.refusal);
    }
  }

  async subscribe(client: Client, filter: string, qos: 0 | 1): Promise<0 | 1 | 128> {
    const program = this.#programs.get(client.program);
    const read = readFilter(filter);
    if (program === undefined || read === undefined) return 128;
    // A hub sends messages by QoS 1, all else by QoS 0.
    const granted = read.kind === 'messages' ? qos : 0;
    await program.sessions.subscribe(client, filter, { ...read, qos: granted });
    this.#subscriptions.follow();
    if (read.kind === 'messages') setImmediate(() => this.#messages.deliver(program));
    return granted;
  }

  async unsubscribe(client: Client, filter: string): Promise<void> {
    const program = this.#programs.get(client.program);
    if (program === undefined) return;
    await program.sessions.unsubscribe(client, filter);
    this.#subscriptions.follow();
    // Another client of the program takes its place.
    this.#messages.deliver(program);
  }

  left(client: Client, broke?: string): void {
    const program = this.#programs.get(client.program);
    program?.sessions.closed(client);
    if (broke !== undefined) {
      const message = `newleaf closed a connection of ${client.program}: ${broke}.`;
      program?.lost(failure('NL-UPLINK-PROTOCOL', { message }), this.#options.clock.monotonic());
    }
    this.#methods.gone(client);
    this.#twin.gone(client);
    this.#subscriptions.follow();
    if (program !== undefined) this.#messages.deliver(program);
  }
}
