import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { OwnTerms } from '../../../agent/state/program-terms.ts';
import type { Clock } from '../../../agent/time/clock.ts';
import { KeptPatch } from '../../../agent/uplink/kept-patch.ts';
import { Uplink } from '../../../agent/uplink/uplink.ts';
import { TestClock } from '../clock.ts';
import { programOf, TestClient, type TestProgram } from './fakes.ts';
import { StandingLaw } from './laws.ts';
import { CLOSE, PlayedHub, type PlayedSession } from './played-hub.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The core calls so many sessions in a row that end so soon "flapping" (agent/roll/core/record.ts). */
const FLAP_MS = 60_000;
const FLAPS = 3;
const FLAP_PAUSE_MS = 5 * MINUTE;
const NEVER = new AbortController().signal;

/** Messages that no hub takes. */
export const isPoison = (text: string): boolean => text.includes('bad');

export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Programs, the uplink, a hub, and the machine, which connects again as it does on a gateway. All in virtual time. */
export class World {
  readonly clock = new TestClock();
  readonly hub = new PlayedHub(this.clock);
  readonly programs: TestProgram[];
  readonly uplink: Uplink;
  /** Messages for the hub. */
  readonly setAside: { readonly text: string; readonly at: number }[] = [];
  /** All that was appended, in order. */
  readonly appended = new Map<string, string[]>();
  deviceId = 'gw-0001';
  isReachable = true;
  /** How often the uplink has slept. */
  sleeps = 0;
  /** The most sessions in a row that ended within 60 s. */
  mostFlaps = 0;
  readonly #law = new StandingLaw();
  #reached = new AbortController();

  /** @param terms of programs, by their name */
  constructor(names: readonly string[] = ['one', 'two'], rate = 20, terms: Readonly<Record<string, OwnTerms>> = {}) {
    this.programs = names.map((name) => programOf(name, {}, undefined, undefined, terms[name]));
    const clock: Clock = {
      now: () => this.clock.now(),
      monotonic: () => this.clock.monotonic(),
      sleep: (ms, abort) => {
        // The look at whether messages move comes once a minute anyway.
        if (ms !== MINUTE) this.sleeps += 1;
        assert(ms > 0, 'a sleep that is none');
        return this.clock.sleep(ms, abort);
      },
    };
    const quiet = () => {};
    this.uplink = new Uplink({
      clock,
      log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
      rate,
      reported: new KeptPatch(async () => {}),
      now: () => this.clock.now(),
      setAside: async (_, { payload }, { code }) => {
        if (code === 'NL-UPLINK-UNTAKEN') return;
        this.setAside.push({ text: Buffer.from(payload).toString(), at: this.clock.monotonic() });
      },
    });
    for (const program of this.programs) this.#join(program);
    this.hub.verdict = (text) => (isPoison(text) ? CLOSE : undefined);
  }

  get at(): number {
    return this.clock.monotonic();
  }

  get asideTexts(): string[] {
    return this.setAside.map(({ text }) => text);
  }

  get rate(): number {
    return this.uplink.pace.rate;
  }

  get isThrottled(): boolean {
    return this.uplink.pace.isThrottled;
  }

  program(name: string): TestProgram {
    return this.programs.find((one) => one.name === name) ?? assert.fail(name);
  }

  add(name: string): void {
    const program = programOf(name);
    this.programs.push(program);
    this.#join(program);
  }

  /** A client of the program, with these filters. */
  async client(name: string, ...filters: readonly string[]): Promise<TestClient> {
    const client = new TestClient(name);
    await this.uplink.joined(client);
    for (const filter of filters) await this.uplink.subscribe(client, filter, 1);
    return client;
  }

  /** A message of QoS 0. @returns whether it went */
  async sendAway(name: string, text: string, bag = ''): Promise<boolean> {
    const { counts } = this.program(name);
    const before = counts.forwarded;
    const message = { topic: `devices/${name}/messages/events/${bag}`, payload: Buffer.from(text) };
    await this.uplink.published(new TestClient(name), message, 0);
    return counts.forwarded > before;
  }

  async append(name: string, ...texts: readonly string[]): Promise<void> {
    const program = this.program(name);
    const before = this.appended.get(name) ?? [];
    this.appended.set(name, [...before, ...texts]);
    for (const text of texts) await program.queue.append({ topic: '', payload: Buffer.from(text) });
  }

  /** The machine: connects whenever it has no session. */
  start(): void {
    void this.#machine();
  }

  leave(): void {
    this.isReachable = false;
    this.hub.open?.end();
  }

  comeBack(): void {
    this.isReachable = true;
    this.#reached.abort();
  }

  /** A newer session takes the place of the open one, as in a roll. */
  replace(): PlayedSession {
    const older = this.hub.open;
    const next = this.hub.accept(this.deviceId);
    older?.end('ended');
    this.uplink.opened(next);
    return next;
  }

  async pass(ms: number): Promise<void> {
    // What has begun comes to its first sleep.
    await setImmediate();
    for (const end = this.at + ms; this.at < end; ) {
      const stepMs = Math.min(MINUTE, end - this.at);
      await this.clock.pass(stepMs);
      this.#law.look(this.programs, this.hub.open !== undefined, this.isThrottled, stepMs);
    }
  }

  /** The law: everything arrives, in the order of its program, or it is poison and set aside. */
  assertKept(): void {
    const firsts = this.hub.firsts;
    const aside = new Set(this.asideTexts);
    assert.equal(this.asideTexts.length, aside.size, 'one is set aside twice');
    for (const text of aside) assert(isPoison(text), `${text} is set aside`);
    for (const [name, texts] of this.appended) {
      const own = new Set(texts);
      const due = texts.filter((text) => !aside.has(text));
      const came = firsts.filter((text) => own.has(text));
      assert.deepEqual(came, due, `the messages of ${name}`);
    }
    for (const { name, queue } of this.programs) assert.equal(queue.count, 0, `the queue of ${name}`);
  }

  #join(program: TestProgram): void {
    for (const queue of [program.queue, program.inbox]) queue.now = () => this.clock.now();
    this.uplink.add(program);
  }

  async #machine(): Promise<void> {
    let flaps = 0;
    for (;;) {
      while (!this.isReachable) {
        this.#reached = new AbortController();
        await this.clock.sleep(365 * DAY, this.#reached.signal);
      }
      const session = this.hub.accept(this.deviceId);
      this.uplink.opened(session);
      let ended = session;
      // A newer one may have taken its place.
      for (let open: PlayedSession | undefined = session; open !== undefined; open = this.hub.open) {
        ended = open;
        await open.closed;
      }
      const heldMs = this.at - ended.openedAt;
      flaps = heldMs < FLAP_MS ? flaps + 1 : 0;
      this.mostFlaps = Math.max(this.mostFlaps, flaps);
      const pauseMs = flaps < 2 ? 200 : flaps < FLAPS ? 5 * SECOND : FLAP_PAUSE_MS;
      await this.clock.sleep(pauseMs, NEVER);
    }
  }
}
