import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { TYPESCRIPT } from '../../typescript.ts';
import type { Setting, Told } from './paper.ts';

const CLERK = new URL('clerk.ts', import.meta.url).pathname;

const TRUST = 'trust.pem';

/** A process of the tool. */
class Clerk {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(directory: string) {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, TRUST) };
    this.#child = spawn(process.execPath, [...TYPESCRIPT, CLERK], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async enroll(argv: readonly string[], setting: Setting): Promise<Told> {
    this.#child.stdin.write(`${JSON.stringify({ argv, setting })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process of the tool has ended');
    return JSON.parse(value);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }
}

/**
 * A far side, and the operator's tool in a process that trusts it: NODE_EXTRA_CA_CERTS is read when a process begins.
 * The tool reaches it by the connection strings in its environment, as it would reach Azure.
 */
export class Office {
  readonly simulator: Simulator;
  readonly directory: string;
  /** Each begins with its first command. */
  readonly #clerks: (Clerk | undefined)[] = [];

  private constructor(simulator: Simulator, directory: string) {
    this.simulator = simulator;
    this.directory = directory;
  }

  static async open(): Promise<Office> {
    const simulator = await startSimulator();
    const directory = await mkdtemp(join(tmpdir(), 'enroll-'));
    await writeFile(join(directory, TRUST), simulator.endpoints.trustPem);
    return new Office(simulator, directory);
  }

  /** The environment of an operator who has both connection strings, and a home. */
  get env(): NodeJS.ProcessEnv {
    const { dpsService, hub1Service } = this.simulator.endpoints;
    const own = { USER: 'Ana', XDG_STATE_HOME: join(this.directory, 'state') };
    return { NEWLEAF_DPS_CONNECTION: dpsService, NEWLEAF_HUB_CONNECTION: hub1Service, ...own };
  }

  /** One at a time. */
  enroll(argv: readonly string[], setting: Setting = {}): Promise<Told> {
    return this.#at(0, argv, setting);
  }

  /** A second operator, at the same time. */
  second(argv: readonly string[], setting: Setting = {}): Promise<Told> {
    return this.#at(1, argv, setting);
  }

  #at(desk: number, argv: readonly string[], setting: Setting): Promise<Told> {
    this.#clerks[desk] ??= new Clerk(this.directory);
    return this.#clerks[desk].enroll(argv, { env: this.env, ...setting });
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
    await Promise.all(this.#clerks.map((one) => one?.close()));
    await this.simulator.close();
    await rm(this.directory, { recursive: true });
  }
}
