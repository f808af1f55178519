import { setImmediate } from 'node:timers/promises';
import type { Failure } from '../../../agent/failure/failure.ts';
import type { Line, Log } from '../../../agent/machine/log.ts';
import { KeptPatch } from '../../../agent/uplink/kept-patch.ts';
import { Uplink } from '../../../agent/uplink/uplink.ts';
import { TestClock } from '../clock.ts';
import { programOf, TestClient, type TestProgram } from './fakes.ts';
import { PlayedHub, type PlayedSession } from './played-hub.ts';

export const MESSAGES = 'devices/me/messages/devicebound/#';
export const METHODS = '$iothub/methods/POST/#';
export const ANSWERS = '$iothub/twin/res/#';
export const DESIRED = '$iothub/twin/PATCH/properties/desired/#';

/** A few turns of the event loop: all that needs no time is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

/** The uplink with programs, played clients and a played hub. */
export class Stage {
  readonly clock = new TestClock();
  readonly hub = new PlayedHub(this.clock);
  readonly uplink: Uplink;
  readonly lines: Line[] = [];
  readonly setAside: { readonly program: string; readonly text: string; readonly why: Failure }[] = [];
  /** An error of the disk where messages are set aside. */
  unwritable: Error | undefined;
  isCredible = false;
  /** What was kept of reported properties, each time. */
  readonly reported: string[] = [];
  readonly now = () => (this.isCredible ? this.clock.now() : undefined);

  /** @param names programs that it has from the start */
  constructor(...names: readonly string[]) {
    this.hub.rttMs = 0;
    const note = (line: Line) => {
      this.lines.push(line);
    };
    const log: Log = { error: note, warn: note, info: note, debug: note };
    this.uplink = new Uplink({
      clock: this.clock,
      log,
      rate: 20,
      now: this.now,
      reported: new KeptPatch(async (text) => {
        if (this.unwritable !== undefined) throw this.unwritable;
        this.reported.push(text);
      }),
      setAside: async ({ name }, { payload }, why) => {
        if (this.unwritable !== undefined) throw this.unwritable;
        this.setAside.push({ program: name, text: Buffer.from(payload).toString(), why });
      },
    });
    for (const name of names) this.program(name);
  }

  program(name: string, sessions?: Parameters<typeof programOf>[1], directory?: string): TestProgram {
    const program = programOf(name, sessions, directory, this.now);
    this.uplink.add(program);
    return program;
  }

  /** A client that has connected, with these filters. */
  async client(program: string, ...filters: readonly string[]): Promise<TestClient> {
    return this.join(new TestClient(program), ...filters);
  }

  async join(client: TestClient, ...filters: readonly string[]): Promise<TestClient> {
    await this.uplink.joined(client);
    for (const filter of filters) await this.uplink.subscribe(client, filter, 1);
    await settled();
    return client;
  }

  async leave(client: TestClient, broke?: string): Promise<void> {
    client.go();
    this.uplink.left(client, broke);
    await settled();
  }

  async open(deviceId?: string): Promise<PlayedSession> {
    const session = this.hub.accept(deviceId);
    this.uplink.opened(session);
    await settled();
    return session;
  }

  publish(client: TestClient, topic: string, text = '', qos: 0 | 1 = 0): Promise<void> {
    const published = this.uplink.published(client, { topic, payload: Buffer.from(text) }, qos);
    // A test may look at it later.
    published.catch(() => {});
    return published;
  }

  /** The hub sends. @returns what the uplink says to it */
  arrive(session: PlayedSession, topic: string, text = '', qos: 0 | 1 = 0): Promise<void> | undefined {
    const taken = this.uplink.arrived(session, { topic, payload: Buffer.from(text), qos });
    taken?.catch(() => {});
    return taken;
  }

  async pass(ms: number): Promise<void> {
    await settled();
    await this.clock.pass(ms);
    await settled();
  }
}

/** The program "one", with a client that has these filters, before there is a session. */
export async function joined(...filters: readonly string[]) {
  const stage = new Stage();
  const program = stage.program('one');
  return { stage, program, client: await stage.client('one', ...filters) };
}

/** The program "one", with a client that has these filters, and a session with the hub. */
export async function serving(...filters: readonly string[]) {
  const met = await joined(...filters);
  return { ...met, session: await met.stage.open() };
}

/** What became of a promise so far. */
export async function fateOf(promise: Promise<unknown> | undefined): Promise<'none' | 'open' | 'kept' | 'broken'> {
  if (promise === undefined) return 'none';
  await settled();
  const kept = promise.then(
    () => 'kept' as const,
    () => 'broken' as const,
  );
  return Promise.race([kept, setImmediate('open' as const)]);
}
