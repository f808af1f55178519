import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import { onWire } from '../../../agent/ask/wire.ts';
import { assemble } from '../../../agent/assembly/x509.ts';
import { parseConfig, x509Of } from '../../../agent/config/config.ts';
import type { Daemon } from '../../../agent/daemon/daemon.ts';
import { createLog } from '../../../agent/machine/log.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { startedBy } from '../../../hsm/job.ts';
import type { TestToken } from '../../contract/token/softhsm.ts';
import type { IssuePolicy } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Switches } from '../../simulator/switches.ts';
import { TestClock } from '../../unit/clock.ts';
import { DaemonLog } from './daemon-log.ts';
import { BUNDLE } from './gateway.ts';
import { settingsOf, tomlOf, writeFiles } from './settings.ts';
import { PATIENCE_MS } from './site.ts';

/** The CA begins its leaves so long ago. */
const BACKDATE_MS = 30_000;

export interface ClockedOptions {
  readonly hsm: TestToken;
  /** Label of the token of this gateway. */
  readonly token: string;
  /** Lines of the configuration by dotted key, as TOML. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of the far side. */
  readonly switches?: Partial<Switches>;
}

/** A gateway in this very process, and a far side: both look at clocks that stand still until the test moves them. */
export class Clocked {
  readonly far: Simulator;
  /** The clock of the gateway. */
  readonly clock: TestClock;
  readonly log = new DaemonLog();
  readonly #directory = mkdtempSync(join(tmpdir(), 'newleaf-clocked-'));
  readonly #toml: string;
  readonly #wrong: { ms: number };
  readonly #lifetimeMs: number;
  #running: { readonly daemon: Daemon; stop(): Promise<unknown> } | undefined;

  constructor(far: Simulator, clock: TestClock, wrong: { ms: number }, lifetimeMs: number, options: ClockedOptions) {
    this.far = far;
    this.clock = clock;
    this.#wrong = wrong;
    this.#lifetimeMs = lifetimeMs;
    const { hsm, token, settings } = options;
    const placed = { registrationId: 'gw-0001', hsm: { ...hsm, token }, files: this.#directory, home: this.#directory };
    writeFiles(far.endpoints, placed);
    this.#toml = tomlOf({ ...settingsOf(far.endpoints, placed), ...settings });
  }

  /** Starts the daemon, on the state that an earlier one left. */
  async start(): Promise<void> {
    const config = x509Of(parseConfig(this.#toml, 'newleaf.toml').config);
    startedBy([process.execPath, BUNDLE]);
    const sink = { write: (line: string) => this.log.add(JSON.parse(line)) };
    const daemon = await assemble({
      file: 'newleaf.toml',
      config,
      log: createLog({ level: 'debug', env: {}, sink }),
      env: {},
      clock: this.clock,
    });
    const abort = new AbortController();
    const ended = daemon.run(abort.signal);
    const stop = () => {
      abort.abort();
      return ended;
    };
    this.#running = { daemon, stop };
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  get daemon(): Daemon {
    if (this.#running === undefined) throw new Error('the daemon does not run');
    return this.#running.daemon;
  }

  /** Only the clock of the gateway steps: from now on it is wrong by so much more. */
  step(ms: number): void {
    this.#wrong.ms += ms;
    this.clock.step(ms);
  }

  /** The clock of the gateway is set right. */
  setRight(): void {
    this.step(-this.#wrong.ms);
  }

  /**
   * Time passes from one planned moment to the next, until this one (wall clock) or until `over` is fulfilled. Each
   * attempt is waited for: beside the look at the clock, `pausing` lanes sleep before time goes on.
   */
  async passUntil(moment: number, { pausing = 1, over }: { pausing?: number; over?: Promise<unknown> } = {}) {
    const isOver = over === undefined ? [] : [over.then(() => 'over' as const)];
    while (this.clock.now() < moment) {
      const ms = await Promise.race([this.clock.asleep(1 + pausing), ...isOver]);
      if (ms === 'over') return;
      await this.clock.pass(Math.min(ms, moment - this.clock.now()));
    }
  }

  /** How a leaf is to be made that begins by the right clock; read it when it is made. */
  get policy(): IssuePolicy {
    const ahead = this.clock.now() - this.#wrong.ms - Date.now();
    return { lifetimeMs: ahead + this.#lifetimeMs - BACKDATE_MS, backdateMs: BACKDATE_MS - ahead };
  }

  async ask(ask: Ask): Promise<number> {
    return (await onWire(this.daemon.answer)(ask)).status;
  }

  async status(): Promise<Status> {
    return (await onWire(this.daemon.answer)({ kind: 'status' })).body as Status;
  }

  /** Waits until the status is so, looking again at each change. */
  async until(isSo: (status: Status) => boolean): Promise<Status> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const changed = this.#changed(deadline - performance.now());
      const status = await this.status();
      if (isSo(status)) return status;
      if (!(await changed)) throw new Error(`it never was so: ${isSo}\n${this.log.tail()}`);
    }
  }

  /** Waits until the daemon serves, with nothing left to do. */
  settled(): Promise<Status> {
    return this.until(isSettled);
  }

  /** Waits until another leaf than this one serves. */
  renewed(thumbprint: string | undefined): Promise<Status> {
    return this.until((status) => isSettled(status) && status.leaf?.thumbprint !== thumbprint);
  }

  /** Whether anything changes within so many milliseconds. */
  #changed(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (changed: boolean) => {
        clearTimeout(timer);
        unsubscribe();
        resolve(changed);
      };
      const timer = setTimeout(end, withinMs, false).unref();
      const unsubscribe = this.daemon.subscribe(() => end(true));
    });
  }

  async remove(): Promise<void> {
    await this.stop();
    await this.far.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const isSettled = ({ phase, online, request }: Status): boolean =>
  phase === 'serving' && online && request === undefined;

/** A gateway that has not been started; its CA issues leaves that live so long by the right clock. */
export async function clocked(t: TestContext, lifetimeMs: number, options: ClockedOptions): Promise<Clocked> {
  const clock = new TestClock();
  const wrong = { ms: 0 };
  const far = await startSimulator({ now: () => clock.now() - wrong.ms, switches: options.switches ?? {} });
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const gateway = new Clocked(far, clock, wrong, lifetimeMs, options);
  // The simulator's CA dates its leaves by Date.now(), and reads its policy anew for each.
  await far.setPolicy({
    get lifetimeMs() {
      return gateway.policy.lifetimeMs ?? 0;
    },
    get backdateMs() {
      return gateway.policy.backdateMs ?? 0;
    },
  });
  t.after(() => gateway.remove());
  return gateway;
}
