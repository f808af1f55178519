import type { Ask } from '../../agent/ask/ask.ts';
import { Daemon } from '../../agent/daemon/daemon.ts';
import { Fault } from '../../agent/failure/failure.ts';
import type { Terms } from '../../agent/roll/plan.ts';
import { type RollState, unprovisioned } from '../../agent/roll/state.ts';
import { type Entry, entryOf } from '../../agent/state/entry.ts';
import { diceOf } from './dice.ts';
import type { Faults } from './faults.ts';
import { VirtualClock } from './virtual-clock.ts';
import { World } from './world.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How a gateway begins. */
export interface Origin {
  readonly seed: number;
  readonly enrollment: 'group' | 'individual';
  /** A new gateway, or one that serves on a leaf. */
  readonly begins: 'new' | 'serving';
  /** What is left of that leaf, in milliseconds. */
  readonly leftMs: number;
  /** Of the leaves that the issuer gives, in milliseconds. */
  readonly lifetimeMs: number;
  /** The issuer needs no person. */
  readonly automatic: boolean;
}

const START = Date.UTC(2030, 0, 1);
/** What systemd, and the rest that newleaf takes after a restart, come to. */
const RESTART_MS = 31_000;

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const notify = {
  async ready() {},
  async stopping() {},
  async status() {},
  async watchdog() {},
  async expect() {},
  watchdogMs: undefined,
};

/** One gateway in virtual time: the real daemon, started again wherever it ends, in a world whose faults a test lays. */
export class Gateway {
  readonly clock = new VirtualClock(START);
  readonly world: World;
  readonly terms: Terms;
  readonly broken: string[] = [];
  /** What is on the disk. */
  entry: Entry | 'absent' = 'absent';
  restarts = 0;
  readonly #draw: () => number;
  #daemon: Daemon | undefined;
  #abort = new AbortController();
  #jumps = false;

  constructor({ seed, enrollment, begins, leftMs, lifetimeMs, automatic }: Origin) {
    this.#draw = diceOf(seed);
    this.terms = {
      attestation: 'x509',
      automatic,
      renewAt: { share: 0.66 },
      builtAt: START - 365 * DAY,
      requestsPerHour: 20,
      burst: 10,
      minRollIntervalMs: 30_000,
      registered: 'scope/gw-1@dps',
    };
    this.world = new World({
      clock: this.clock,
      enrollment,
      lifetimeMs,
      current: () => this.known?.current,
      candidate: () => this.known?.next?.leaf,
      broken: (law) => this.broken.push(law),
    });
    if (begins === 'serving') this.#serves(leftMs, lifetimeMs);
  }

  /** The journal, where there is one. */
  get known(): Entry | undefined {
    return this.entry === 'absent' ? undefined : this.entry;
  }

  get state(): RollState {
    return this.#daemon?.state ?? unprovisioned;
  }

  get isOnline(): boolean {
    const { session } = this.world;
    return session !== undefined && session.process === this.world.process && this.state.online !== undefined;
  }

  #serves(leftMs: number, lifetimeMs: number): void {
    const leaf = this.world.issue(this.world.makeKey('a'), leftMs);
    const current = { ...leaf, notBefore: leaf.notAfter - Math.max(lifetimeMs, leftMs) };
    this.world.enrolled.add(current.thumbprint);
    this.world.registry.set('hub1', current.thumbprint);
    const assignment = { hub: 'hub1', deviceId: 'gw-1' };
    const served = { current, assignment, registered: this.terms.registered, lastSeen: START - HOUR };
    this.entry = entryOf({ ...unprovisioned, phase: 'serving', ...served });
  }

  /** Begins a process. */
  start(): void {
    this.world.process += 1;
    const { process } = this.world;
    const isAlive = () => this.world.process === process;
    const abort = new AbortController();
    const { ports } = { ports: this.world.ports(process) };
    const daemon = new Daemon({
      ports,
      journal: {
        read: async () => this.entry,
        write: async (entry) => {
          if (!isAlive()) return;
          if (this.world.faults.disk) throw new Fault('NL-STATE-WRITE');
          this.world.count('write');
          this.entry = structuredClone(entry);
        },
      },
      clock: this.clock,
      draw: this.#draw,
      log: quiet,
      notify,
      terms: this.terms,
      version: '0',
      registrationId: 'gw-1',
      labelPrefix: 'newleaf',
      keepKey: false,
      given: async () => undefined,
      publish: async () => {},
    });
    this.#daemon = daemon;
    this.#abort = abort;
    void daemon.run(abort.signal).then(
      (ending) => {
        if (ending === 'restart' && isAlive()) this.#again();
      },
      (error: unknown) => this.broken.push(`the daemon throws: ${error instanceof Error ? error.stack : error}`),
    );
  }

  #again(): void {
    this.restarts += 1;
    this.world.session = undefined;
    void this.clock.sleep(RESTART_MS).then(() => this.start());
  }

  /** The power fails and comes back: nothing ends in order. */
  cutPower(): void {
    this.world.process += 1;
    const dead = this.#abort;
    this.world.session = undefined;
    dead.abort();
    this.start();
  }

  /** Ends the process for good. */
  stop(): void {
    this.world.process += 1;
    this.world.session = undefined;
    this.#abort.abort();
  }

  ask(ask: Ask): void {
    void this.#daemon?.answer(ask).catch((error: unknown) => this.broken.push(`an answer throws: ${error}`));
  }

  /** A person has the CSR signed, and installs what comes back; where newleaf is busy, asks again as it says. */
  async bring(tries = 3): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    let answer = await daemon.answer({ kind: 'csr', from: 'technician' });
    if (answer.is === 'busy' && answer.failure.code === 'NL-BUSY' && tries > 1) {
      await this.clock.sleep(MINUTE);
      return this.bring(tries - 1);
    }
    if ('failure' in answer && answer.failure.advice.includes('csr --new-key')) {
      answer = await daemon.answer({ kind: 'csr', from: 'technician', newKey: true });
    }
    if (answer.is !== 'csr') return;
    const leaf = this.world.issue(JSON.parse(answer.csr));
    this.world.enrolled.add(leaf.thumbprint);
    await daemon.answer({ kind: 'install', from: 'technician', delivered: Buffer.from(JSON.stringify(leaf)) });
  }

  /** Lays faults over the world, in place of those that were there. */
  lay(faults: Faults): void {
    const before = this.world.faults;
    this.world.faults = faults;
    if (faults.network || (faults.hubDrops !== undefined && before.hubDrops === undefined)) this.world.endSession();
    if (faults.idle !== undefined && before.idle === undefined) this.world.box();
    if (faults.clock !== undefined && !this.#jumps) void this.#jump();
  }

  async #jump(): Promise<void> {
    this.#jumps = true;
    for (let sign = 1; this.world.faults.clock !== undefined; sign = -sign) {
      const ms = sign * this.world.faults.clock;
      this.clock.step(ms);
      await this.clock.sleep(MINUTE);
    }
    this.#jumps = false;
  }

  /** The operator puts every leaf that the gateway names into the enrollment, and enables it. */
  enroll(): void {
    for (const leaf of [this.known?.current, this.known?.next?.leaf])
      if (leaf) this.world.enrolled.add(leaf.thumbprint);
    this.world.enabled = true;
  }
}
