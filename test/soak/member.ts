import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FLAGS } from '../bench/stand.ts';
import { Counting } from '../e2e/stage/counting.ts';
import { Gateway } from '../e2e/stage/gateway.ts';
import type { Endpoints } from '../simulator/api.ts';

/** RestartSec and RestartPreventExitStatus of systemd/newleaf.service. */
const RESTART_MS = 1_000;
const PREVENTS: readonly (number | string)[] = [2, 4];
/** Each program sends two messages a second. */
const EVERY_MS = 500;
const COLLECTOR = join(import.meta.dirname, 'collect.cjs');

export interface MemberOptions {
  /** Its process is not ended by any fault, so that its memory can be followed. */
  readonly isSteady: boolean;
  /** A small file system for its state, which can be filled. */
  readonly disk?: string;
}

/** A gateway, what systemd does for it, and two programs that send. */
export class Member {
  readonly id: string;
  readonly gateway: Gateway;
  readonly isSteady: boolean;
  readonly disk: string | undefined;
  /** How its processes ended. */
  readonly ends: (number | string)[] = [];
  programs: readonly Counting[] = [];
  /** A deed is done to it, and no other begins meanwhile. */
  isBusy = false;
  #isWanted = true;
  #isUp = false;
  #kept: Promise<void> | undefined;

  constructor(id: string, at: Endpoints, { isSteady, disk }: MemberOptions) {
    this.id = id;
    this.isSteady = isSteady;
    this.disk = disk;
    this.gateway = new Gateway(at, {
      registrationId: id,
      nodeOptions: [...FLAGS, `--require=${COLLECTOR}`],
      settings: {
        'log.level': '"info"',
        // Methods and refusals of an hour come within minutes here.
        'limits.requests_per_hour': '1000',
        'limits.burst': '1000',
        'uplink.rate': '200',
        ...(disk !== undefined && { 'state.directory': JSON.stringify(join(disk, 'state')) }),
      },
    });
  }

  /** Provisions it, opens its programs, and keeps its daemon running from now on. */
  async open(): Promise<void> {
    this.#kept = this.#keep();
    await this.gateway.log.waitFor({ event: 'started' });
    await this.gateway.settled();
    this.programs = await Promise.all(
      ['sensors', 'meter'].map(
        async (name) => new Counting(name, await this.gateway.program(name), { everyMs: EVERY_MS }),
      ),
    );
  }

  /** Sends a signal to the daemon, if there is one. @returns whether there was */
  signal(name: NodeJS.Signals): boolean {
    return this.#isUp && process.kill(this.gateway.pid, name);
  }

  /** An exit that systemd would leave as it is. */
  get isGivenUp(): boolean {
    return this.ends.some((how) => PREVENTS.includes(how));
  }

  /** Without waiting for what is under way. */
  async remove(): Promise<void> {
    this.#isWanted = false;
    for (const program of this.programs) program.stop();
    this.signal('SIGCONT');
    await this.gateway.stop('SIGKILL');
    await this.#kept;
    await this.gateway.remove();
  }

  async #keep(): Promise<void> {
    while (this.#isWanted && !this.isGivenUp) {
      const started = this.gateway.start().catch(() => {});
      this.#isUp = true;
      await started;
      const how = await this.gateway.ended();
      this.#isUp = false;
      if (this.#isWanted) this.ends.push(how);
      await pause(RESTART_MS);
    }
  }
}
