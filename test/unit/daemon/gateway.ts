import type { TestContext } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import { onWire } from '../../../agent/ask/wire.ts';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import type { DaemonOptions } from '../../../agent/daemon/options.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Line } from '../../../agent/machine/log.ts';
import { type Entry, entryOf } from '../../../agent/roll/core/entry.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import type { HubSignal, Ports } from '../../../agent/roll/ports.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { quietNotify } from '../../quiet.ts';
import { TestClock } from '../clock.ts';
import { hub, leafOf, NOW, terms } from '../roll/machine.ts';
import { served, shown, trusted } from '../roll/memories.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const never = <T>() => new Promise<T>(() => {});

/** The leaf that serves; it is not due for a year. */
export const current = { ...leafOf('g0', 'a'), notAfter: NOW + 365 * DAY };
export const candidate = { ...leafOf('g1', 'b'), notAfter: NOW + 365 * DAY };

/** A gateway that serves, before its session is open. */
export const serving: Memory = { ...served, current, trusts: [trusted(current)] };
/** The same as its readers see it. */
export const servingState = shown(serving);

/** How often each effect was tried. */
export interface Counts {
  connect: number;
  register: number;
  issue: number;
  generate: number;
  destroy: number;
  report: number;
  writes: number;
}

export interface Far {
  readonly keys?: Partial<Ports['keys']>;
  readonly issue?: Ports['issuer']['issue'];
  readonly judge?: Ports['judge'];
  readonly register?: Ports['dps']['register'];
  readonly connect?: Ports['hub']['connect'];
  readonly report?: Ports['hub']['report'];
  readonly opensAnew?: Ports['opensAnew'];
  readonly close?: Ports['hub']['close'];
}

/** A disk that can be told to take nothing. */
export class Disk {
  entry: Entry | 'absent';
  isFull = false;
  readonly written: Entry[] = [];
  tries = 0;

  constructor(memory?: Memory) {
    this.entry = memory === undefined ? 'absent' : entryOf(memory);
  }

  readonly read = async () => this.entry;
  readonly write = async (entry: Entry) => {
    this.tries += 1;
    if (this.isFull) throw new Fault('NL-STATE-WRITE', { message: 'state.json cannot be written: no space is left.' });
    this.entry = entry;
    this.written.push(entry);
  };
}

/** The real daemon before ports that are played, in virtual time. Everything works that is not told to fail. */
export async function gateway(
  t: TestContext,
  disk: Disk,
  far: Far = {},
  change: Partial<DaemonOptions> = {},
  clock = new TestClock(NOW),
  abort = new AbortController(),
) {
  const counts: Counts = { connect: 0, register: 0, issue: 0, generate: 0, destroy: 0, report: 0, writes: 0 };
  const logged: Line[] = [];
  const note = (line: Line) => void logged.push(line);
  const signals: HubSignal[] = [];
  let wake = (_: IteratorResult<HubSignal>) => {};
  const counted =
    <A extends unknown[], R>(name: keyof Counts, work: (...args: A) => R) =>
    (...args: A): R => {
      counts[name] += 1;
      return work(...args);
    };
  const ports: Ports = {
    keys: {
      generate: counted('generate', far.keys?.generate ?? (async (slot, id) => ({ slot, id }))),
      csr: far.keys?.csr ?? (async () => 'csr'),
      destroy: counted('destroy', far.keys?.destroy ?? (async () => {})),
    },
    issuer: { issue: counted('issue', far.issue ?? (async () => 'chain')) },
    judge: far.judge ?? (async (_, key) => ({ ...candidate, key })),
    opensAnew: far.opensAnew ?? (async () => undefined),
    dps: { register: counted('register', far.register ?? (async () => hub)) },
    hub: {
      connect: counted('connect', far.connect ?? (async () => {})),
      silentMs: () => undefined,
      report: counted('report', far.report ?? (async () => {})),
      close: far.close ?? (async () => {}),
      signals: {
        [Symbol.asyncIterator]: () => ({
          next() {
            const value = signals.shift();
            if (value !== undefined) return Promise.resolve({ value, done: false });
            return new Promise((resolve) => {
              wake = resolve;
            });
          },
        }),
      },
    },
  };
  const daemon = new Daemon({
    ports,
    journal: { read: disk.read, write: counted('writes', disk.write), isThere: () => disk.entry !== 'absent' },
    clock,
    draw: () => 0.5,
    log: { error: note, warn: note, info: note, debug: note },
    notify: quietNotify,
    terms,
    version: '0',
    registrationId: 'gw-1',
    labelPrefix: 'newleaf',
    given: async () => undefined,
    publish: async () => {},
    ...change,
  });
  t.after(() => abort.abort());
  const ended = daemon.run(abort.signal);
  await Promise.race([clock.asleep(), ended.catch(() => {})]);
  await clock.pass(0);
  /** The session with this leaf ends. */
  const lose = async (thumbprint = current.thumbprint, heldMs = HOUR) => {
    const failure = new Fault('NL-HUB-LOST').failure;
    const result = { value: { kind: 'lost', thumbprint, heldMs, failure } as const, done: false };
    wake(result);
    await clock.pass(0);
  };
  /** What the daemon answers, once so much time has passed. */
  const ask = async (asked: Ask, ms = 10) => {
    const answer = onWire(daemon.answer)(asked);
    await clock.pass(ms);
    return answer;
  };
  const status = async () => (await onWire(daemon.answer)({ kind: 'status' })).body as Status;
  const told = (event: string) => logged.filter((line) => line.event === event);
  const stop = () => {
    abort.abort();
    return ended;
  };
  return { clock, counts, daemon, logged, told, lose, ended, stop, ask, status };
}
