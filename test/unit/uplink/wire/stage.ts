import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { IConnectPacket } from 'mqtt-packet';
import type { Line } from '../../../../agent/machine/log.ts';
import type { Timers, WireLimits } from '../../../../agent/uplink/wire/limits.ts';
import { ofProgram, WireServer } from '../../../../agent/uplink/wire/server.ts';
import { scratch } from '../../state/disk.ts';
import { RawClient } from './raw-client.ts';
import { Notes, noting } from './rules.ts';

/** Time that passes when the test says so. */
export class HandTimers implements Timers {
  #now = 0;
  readonly #set = new Set<{ readonly due: number; readonly call: () => void }>();

  readonly after = (ms: number, call: () => void): (() => void) => {
    const timer = { due: this.#now + ms, call };
    this.#set.add(timer);
    return () => void this.#set.delete(timer);
  };

  get pending(): number {
    return this.#set.size;
  }

  monotonic(): number {
    return this.#now;
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [first] = [...this.#set].filter(({ due }) => due <= end).sort((one, other) => one.due - other.due);
      if (first === undefined) break;
      this.#now = first.due;
      this.#set.delete(first);
      first.call();
    }
    this.#now = end;
  }
}

export interface Stage {
  readonly server: WireServer;
  readonly notes: Notes;
  readonly lines: readonly Line[];
  readonly timers: HandTimers;
  /** Opens the socket of a program. @returns its path */
  socketOf(program: string): Promise<string>;
}

/** A server with hand-made time; it ends with the test. */
export function stage(t: TestContext, limits: Partial<WireLimits> = {}): Stage {
  const directory = scratch(t);
  const notes = new Notes();
  const timers = new HandTimers();
  const { log, lines } = noting();
  const server = new WireServer({ rules: notes, log, limits, timers });
  t.after(() => server.close());
  return {
    server,
    notes,
    lines,
    timers,
    async socketOf(program) {
      const path = join(directory, `${program}.sock`);
      await server.listen({ path, mode: 0o600 }, ofProgram(program));
      return path;
    },
  };
}

/** A connection to the program "sensors" without a CONNECT; it ends with the test. */
export const dialled = (t: TestContext) => clientOf(t, RawClient.dial);

/** A client of the program "sensors" that has CONNACK 0; it ends with the test. */
export const opened = (t: TestContext, connecting?: Partial<IConnectPacket>) =>
  clientOf(t, (path) => RawClient.open(path, connecting));

async function clientOf(t: TestContext, make: (path: string) => Promise<RawClient>) {
  const stand = stage(t);
  const path = await stand.socketOf('sensors');
  const client = await make(path);
  t.after(() => client[Symbol.asyncDispose]());
  return { ...stand, path, client };
}
