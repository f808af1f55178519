import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestToken } from '../../contract/token/softhsm.ts';
import { BUNDLE, NODE } from '../stage/gateway.ts';
import type { Order, Told } from './daemons.ts';

/** Lines of the daemons' logs that a failure shows. */
const SHOWN = 30;

/** A process with many daemons in it, and the SoftHSM that they share. */
export class Host {
  readonly hsm: TestToken;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (told: Told) => void>();
  #orders = 0;
  #noise: string[] = [];

  /** @param bundle of daemons.ts */
  constructor(bundle: string, hsm: TestToken) {
    this.hsm = hsm;
    this.#child = fork(bundle, [BUNDLE], {
      execPath: NODE,
      execArgv: [],
      env: { ...process.env, ...hsm.environment },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child.on('message', (told: Told) => this.#waiting.get(told.of)?.(told));
    this.#child.once('exit', () => {
      for (const settle of this.#waiting.values()) settle({ of: '', failed: `the host has ended\n${this.noise}` });
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#noise = [...this.#noise, ...text.trimEnd().split('\n')].slice(-SHOWN);
    });
  }

  /** The end of what the daemons had to complain of. */
  get noise(): string {
    return this.#noise.join('\n');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(order: Order): Promise<Told> {
    this.#orders += 1;
    const of = String(this.#orders);
    const told = await new Promise<Told>((resolve) => {
      this.#waiting.set(of, resolve);
      this.#child.send({ ...order, of });
    });
    this.#waiting.delete(of);
    if (told.failed !== undefined) throw new Error(told.failed);
    return told;
  }

  /** Ends the process and every daemon in it at once, as a power cut does. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    this.hsm.remove();
  }
}
