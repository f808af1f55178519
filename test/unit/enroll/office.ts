import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Setting, Told } from './paper.ts';

const CLERK = new URL('clerk.ts', import.meta.url).pathname;

/**
 * A far side, and the operator's tool in a process that trusts it: NODE_EXTRA_CA_CERTS is read when a process begins.
 * The tool reaches it by the connection strings in its environment, as it would reach Azure.
 */
export class Office {
  readonly simulator: Simulator;
  readonly directory: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(simulator: Simulator, directory: string, child: ChildProcessByStdio<Writable, Readable, null>) {
    this.simulator = simulator;
    this.directory = directory;
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static async open(): Promise<Office> {
    const simulator = await startSimulator();
    const directory = await mkdtemp(join(tmpdir(), 'enroll-'));
    const trust = join(directory, 'trust.pem');
    await writeFile(trust, simulator.endpoints.trustPem);
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: trust };
    const child = spawn(process.execPath, ['--import', 'tsx', CLERK], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    return new Office(simulator, directory, child);
  }

  /** The environment of an operator who has both connection strings, and a home. */
  get env(): NodeJS.ProcessEnv {
    const { dpsService, hub1Service } = this.simulator.endpoints;
    const own = { USER: 'Ana', XDG_STATE_HOME: join(this.directory, 'state') };
    return { NEWLEAF_DPS_CONNECTION: dpsService, NEWLEAF_HUB_CONNECTION: hub1Service, ...own };
  }

  /** One at a time. */
  async enroll(argv: readonly string[], setting: Setting = {}): Promise<Told> {
    this.#child.stdin.write(`${JSON.stringify({ argv, setting: { env: this.env, ...setting } })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process of the tool has ended');
    return JSON.parse(value);
  }

  /** Writes a file into the directory of the operator, and gives its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, text);
    return path;
  }

  /** A leaf of the issuing CA, and the file that holds its certificate. */
  async leaf(cn: string, name = cn) {
    const identity = await this.simulator.clientIdentity(cn);
    return { ...identity, file: await this.file(`${name}.pem`, identity.cert) };
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
    await this.simulator.close();
    await rm(this.directory, { recursive: true });
  }
}
