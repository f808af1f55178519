import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Status } from '../../agent/roll/report.ts';
import { environment, type Machine } from '../../test/e2e/init/machine.ts';
import { Person } from '../../test/e2e/init/person.ts';

/** The unit's daemon on a machine, and commands that look at it. */
export class ShownGateway {
  readonly #machine: Machine;
  readonly #endings: (() => void)[] = [];
  #daemon: ChildProcess | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Programs that were started end with this one. */
  readonly owner = { after: (end: () => void) => void this.#endings.push(end) };

  /** Starts it as the unit would: as the user newleaf, with the PIN. */
  start(): void {
    this.#machine.sh('install -d -o newleaf /run/cred && install -o newleaf -m 400 /etc/newleaf/pin /run/cred/hsm-pin');
    const [file = '', ...args] = this.#machine.argv(['newleaf', 'run'], 'newleaf');
    const env = { ...environment(), CREDENTIALS_DIRECTORY: '/run/cred' };
    this.#daemon = spawn(file, args, { env, stdio: 'ignore' });
  }

  /** Waits until the status is so. */
  async until(isSo: (status: Status) => boolean): Promise<void> {
    const [file = '', ...args] = this.#machine.argv(['newleaf', 'status', '--watch', '--json']);
    const watching = spawn(file, args, { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      for await (const line of createInterface(watching.stdout)) if (isSo(JSON.parse(line))) return;
      throw new Error('newleaf status --watch has ended');
    } finally {
      watching.kill();
    }
  }

  /** The screen of a technician on a terminal of 80 columns. @param exit asserted */
  async shows(command: string, exit: number): Promise<string> {
    const variables = { ...environment(), TERM: 'xterm', LANG: 'C.UTF-8', TZ: 'UTC' };
    const person = new Person(this.owner, this.#machine.argv(command.split(' ')), variables);
    await person.ends(exit);
    return `$ ${command}\n${person.transcript}`;
  }

  async stop(): Promise<void> {
    for (const end of this.#endings) end();
    if (this.#daemon === undefined) return;
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill();
    await ended;
  }
}
