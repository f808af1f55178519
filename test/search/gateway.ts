import { Daemon } from '../../agent/daemon/daemon.ts';
import { Fault } from '../../agent/failure/failure.ts';
import type { Line } from '../../agent/machine/log.ts';
import type { Candidate } from '../../agent/roll/candidate.ts';
import { type Entry, entryOf } from '../../agent/roll/core/entry.ts';
import { blank } from '../../agent/roll/core/memory.ts';
import { endorsed, type Leaf } from '../../agent/roll/leaf.ts';
import { type RollState, unprovisioned } from '../../agent/roll/state.ts';
import { lastResortAt, type Terms } from '../../agent/roll/terms.ts';
import { validateEntry } from '../../agent/state/entry.ts';
import { quietLog, quietNotify } from '../quiet.ts';
import { diceOf } from './dice.ts';
import type { Faults } from './faults.ts';
import { Log } from './log.ts';
import type { Origin } from './origin.ts';
import { portsOf } from './ports.ts';
import { VirtualClock } from './virtual-clock.ts';
import { World } from './world.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** How long faults are laid, since the begin. */
export const SPAN_MS = 10 * HOUR;

export const START = Date.UTC(2030, 0, 1);
/** What systemd, and the rest that newleaf takes after a restart, come to. */
const RESTART_MS = 31_000;
const SLOW_DISK_MS = 20_000;

/** What a process that is gone still wants to answer is never heard. */
const DEAD = new Promise<never>(() => {});

/** One gateway in virtual time: the real daemon, started again wherever it ends, in a world whose faults a test lays. */
export class Gateway {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly broken: string[] = [];
  readonly log = new Log();
  terms: Terms;
  /** What is on the disk. */
  entry: Entry | 'absent' = 'absent';
  /** A copy of it, from before. */
  copied: Entry | 'absent' | undefined;
  /** It was put back: keys that were made since are strangers to it. */
  isPutBack = false;
  restarts = 0;
  /** Monotonic moments at which the power was cut. */
  readonly cuts: number[] = [];
  /** What a right clock would have shown when this began. */
  begun = START;
  /** The power fails during the next write: before the disk has it, or after. */
  cutAtWrite: 'before' | 'after' | undefined;
  readonly #draw: () => number;
  /** The leaf that is in the token before newleaf, or what stands in for it. */
  readonly given: Leaf | undefined;
  #daemon: Daemon | undefined;
  #abort = new AbortController();
  #writes = 0;

  constructor(origin: Origin, clock = new VirtualClock(START)) {
    this.clock = clock;
    const {
      seed,
      enrollment,
      begins,
      leftMs,
      lifetimeMs,
      automatic,
      keepKey = false,
      onboardingLeftMs,
      serials,
      minRollIntervalMs = 30_000,
      signsOnce = false,
    } = origin;
    this.#draw = diceOf(seed);
    const isEndorsed = begins === 'endorsed';
    this.terms = {
      attestation: isEndorsed ? 'tpm' : 'x509',
      trust: onboardingLeftMs === undefined ? 'leaf' : 'ca',
      automatic,
      keepKey,
      renewAt: isEndorsed ? 'off' : { share: 0.66 },
      builtAt: START - 365 * DAY,
      requestsPerHour: 20,
      burst: 10,
      minRollIntervalMs,
      registered: 'scope/gw-1@dps',
    };
    this.world = new World({
      clock: this.clock,
      enrollment,
      lifetimeMs,
      onboardingLeftMs,
      serials,
      signsOnce,
      state: () => this.state,
      current: () => this.known?.current,
      candidate: () => this.known?.next?.leaf,
      broken: (law) => this.broken.push(law),
    });
    if (begins === 'endorsed') this.given = this.#endorsed();
    else if (begins !== 'new') this.given = this.#serves(begins, leftMs, lifetimeMs);
  }

  /** Rolls that came to nothing in a row, as the journal tells. */
  get vainRolls(): number {
    return this.entry === 'absent' ? 0 : (this.entry.answers.roll?.times ?? 0);
  }

  /** The journal, where there is one. */
  get known(): Pick<RollState, 'current' | 'next' | 'outcomes' | 'registered'> | undefined {
    if (this.entry === 'absent') return undefined;
    const { current, next, outcomes, registered } = this.entry;
    const is = next?.leaf ? 'sent' : next?.isMade ? 'key-made' : 'key-wanted';
    const candidate: Candidate | undefined = next && {
      is,
      key: next.key,
      for: 'roll',
      tries: 0,
      ...(next.leaf && { leaf: next.leaf }),
    };
    return {
      ...(current && { current }),
      ...(candidate && { next: candidate }),
      ...(registered !== undefined && { registered }),
      outcomes,
    };
  }

  get state(): RollState {
    return this.#daemon?.state ?? unprovisioned;
  }

  /** The daemon of the present process, undefined where none runs. */
  get daemon(): Daemon | undefined {
    return this.#daemon;
  }

  get isOnline(): boolean {
    const { session } = this.world;
    return session !== undefined && session.process === this.world.process && this.state.online !== undefined;
  }

  #endorsed(): Leaf {
    const leaf = endorsed('gw-1', 'E'.repeat(64));
    this.world.makeKey(leaf.key.slot, leaf.key.id);
    this.world.enrolled.add(leaf.thumbprint);
    return leaf;
  }

  #serves(begins: 'serving' | 'given', leftMs: number, lifetimeMs: number): Leaf | undefined {
    const isGiven = begins === 'given';
    const leaf = this.world.issue(this.world.makeKey(isGiven ? 'given' : 'a'), { lifetimeMs: leftMs });
    const current = { ...leaf, notBefore: leaf.notAfter - Math.max(lifetimeMs, leftMs) };
    this.world.enrolled.add(current.thumbprint);
    if (isGiven) return current;
    this.world.registry.set('hub1', current.thumbprint);
    this.world.accepted = current.thumbprint;
    const at = { current: { hub: 'hub1', deviceId: 'gw-1' } };
    this.entry = entryOf({ ...blank, current, at, registered: this.terms.registered, lastSeen: START - HOUR });
    return undefined;
  }

  /** Begins a process. One that cannot open the token ends, and systemd starts the next. */
  start(): void {
    this.world.process += 1;
    const { process } = this.world;
    const isAlive = () => this.world.process === process;
    this.#daemon = undefined;
    if (this.world.token.open() !== undefined) {
      this.#again();
      return;
    }
    const abort = new AbortController();
    const daemon = new Daemon({
      ports: portsOf(this.world, process),
      journal: { read: async () => this.entry, write: (entry) => this.#write(entry, isAlive) },
      clock: this.clock,
      draw: this.#draw,
      log: { ...quietLog, error: (line) => this.#holds(line) },
      notify: quietNotify,
      terms: this.terms,
      version: '0',
      registrationId: 'gw-1',
      labelPrefix: 'newleaf',
      given: async () => this.given,
      newer: async (than) => this.world.token.newerThan(than, this.clock.now()),
      publish: async () => {},
      beside: () => this.world.azure?.beside(),
    });
    this.#daemon = daemon;
    this.#abort = abort;
    this.log.follow(daemon, () => this.clock.monotonic());
    void daemon.run(abort.signal).then(
      (ending) => {
        if (ending !== 'restart' || !isAlive()) return;
        const { current, online } = daemon.state;
        const isLate = current !== undefined && this.clock.now() >= lastResortAt(current, this.terms.renewAt);
        const canStart = current === undefined || this.world.canSignAnew(current.key);
        // Without a session the process is of no use.
        if (online !== undefined && !canStart && !isLate)
          this.broken.push('it ends itself with an open session, and no new process can open one');
        this.#again();
      },
      (error: unknown) => this.broken.push(`the daemon throws: ${error instanceof Error ? error.stack : error}`),
    );
  }

  /** The law of ends, as the daemon itself looks at it after each plan. */
  #holds({ event, message, memory }: Line): void {
    if (event === 'no-way') this.broken.push(`${message} ${memory}`);
  }

  async #write(entry: Entry, isAlive: () => boolean): Promise<void> {
    if (!isAlive()) return DEAD;
    const { disk } = this.world.faults;
    this.#writes += 1;
    if (disk === 'nothing' || (disk === 'second' && this.#writes % 2 === 0)) {
      this.world.isForgetful = true;
      throw new Fault('NL-STATE-WRITE');
    }
    if (disk === 'slow') await this.clock.sleep(SLOW_DISK_MS);
    if (!isAlive()) return DEAD;
    const cut = this.cutAtWrite;
    this.cutAtWrite = undefined;
    this.world.count('write');
    if (cut !== 'before') this.entry = this.#readBack(entry);
    if (cut === undefined) return;
    this.cutPower();
    return DEAD;
  }

  /** What is written must be accepted by the process that reads it. */
  #readBack(entry: Entry): Entry {
    const read: unknown = JSON.parse(JSON.stringify(entry));
    try {
      return validateEntry(read);
    } catch (error) {
      this.broken.push(`an entry is written that is not accepted: ${error}`);
      return entry;
    }
  }

  /** Without power for so long. */
  dark(ms: number): void {
    this.stop();
    this.clock.step(ms);
    this.begun += ms;
    this.start();
  }

  #again(): void {
    const { process } = this.world;
    this.restarts += 1;
    this.world.asked.push({ call: 'restart', at: this.clock.monotonic() });
    this.world.session = undefined;
    void this.clock.sleep(RESTART_MS).then(() => (this.world.process === process ? this.start() : undefined));
  }

  /** The power fails and comes back: nothing ends in order. */
  cutPower(): void {
    this.cuts.push(this.clock.monotonic());
    this.stop();
    this.start();
  }

  /** Ends the process for good. */
  stop(): void {
    this.world.process += 1;
    this.world.session = undefined;
    this.#daemon = undefined;
    this.#abort.abort();
  }

  /** Lays faults over the world, in place of those that were there. */
  lay(faults: Faults): void {
    const before = this.world.faults;
    this.world.faults = faults;
    this.world.token.isShut = faults.shut === true;
    if (faults.hubLags === undefined && faults.dpsOddly === undefined) this.world.catchUp();
    if (faults.network || (faults.hubDrops !== undefined && before.hubDrops === undefined)) this.world.endSession();
    if (faults.idle !== undefined && before.idle === undefined) this.world.box();
    if (faults.clock !== undefined && before.clock === undefined) void this.#jump();
  }

  async #jump(): Promise<void> {
    for (let sign = 1; this.world.faults.clock !== undefined; sign = -sign) {
      const ms = sign * this.world.faults.clock;
      this.clock.step(ms);
      await this.clock.sleep(MINUTE);
    }
  }
}
