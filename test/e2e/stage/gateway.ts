import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ProgramTold } from '../../../agent/cli/uplink/told.ts';
import { askSocket, type Reply } from '../../../agent/control/client.ts';
import type { Status } from '../../../agent/roll/report.ts';
import type { TestToken } from '../../contract/token/softhsm.ts';
import type { Endpoints } from '../../simulator/api.ts';
import { DaemonLog } from './daemon-log.ts';
import { OutsideToken } from './outside-token.ts';
import { settingsOf, tomlOf, writeFiles } from './settings.ts';

/** The bundle under test, and the node that runs it: both can be given from outside. */
export const BUNDLE =
  process.env.NEWLEAF_TEST_BUNDLE ?? join(import.meta.dirname, '..', '..', '..', 'dist', 'newleaf.js');
export const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;

/** A command that is still running after this is ended: it should have refused. */
const COMMAND_MS = 90_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface GatewayOptions {
  readonly registrationId?: string;
  /** Lines of the configuration by dotted key, as TOML; they replace what is there. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** A command that runs the program in its turn, as `nice` does. */
  readonly runner?: readonly string[];
  /** An installed newleaf, in place of the bundle under test. */
  readonly program?: readonly string[];
  /** The token gets this PIN, in place of the usual one. */
  readonly pin?: string;
  /** Puts another module around that of the token. */
  readonly around?: (hsm: TestToken) => TestToken;
}

/** A gateway of its own: a SoftHSM token, a configuration, and the real bundled program. */
export class Gateway {
  readonly directory = mkdtempSync(join(tmpdir(), 'newleaf-gateway-'));
  readonly token: OutsideToken;
  readonly registrationId: string;
  readonly log = new DaemonLog();
  readonly #argv: readonly string[];
  #daemon: ChildProcess | undefined;
  #noise = '';

  constructor(at: Endpoints, options: GatewayOptions = {}) {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: npm run build`);
    const { registrationId = 'gw-0001', settings = {}, nodeOptions = [], runner = [], program, pin, around } = options;
    this.registrationId = registrationId;
    this.#argv = program ?? [...runner, NODE, ...nodeOptions, BUNDLE];
    this.token = new OutsideToken(pin, around);
    const { hsm } = this.token;
    const placed = { registrationId, hsm, files: this.directory, home: this.directory };
    writeFiles(at, placed);
    const tls = process.env.NEWLEAF_TEST_TLS;
    const usual = {
      ...settingsOf(at, placed),
      'log.level': '"debug"',
      ...(tls && { 'hsm.tls': JSON.stringify(tls) }),
    };
    this.configure([tomlOf({ ...usual, ...settings })]);
  }

  get configuration(): string {
    return join(this.directory, 'newleaf.toml');
  }

  get socket(): string {
    return join(this.directory, 'control.sock');
  }

  get stateDirectory(): string {
    return join(this.directory, 'state');
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  /** What the daemon and its modules wrote beside the log. */
  get noise(): string {
    return this.#noise;
  }

  /** Writes a file beside the configuration, and returns its path as TOML. */
  file(name: string, text: string, mode = 0o644): string {
    const path = join(this.directory, name);
    writeFileSync(path, text, { mode });
    return JSON.stringify(path);
  }

  /** Writes the configuration. */
  configure(lines: readonly string[]): void {
    writeFileSync(this.configuration, `${lines.join('\n')}\n`);
  }

  /** Starts `newleaf run`; resolves when it has read its state, rejects when it ends before that. */
  async start(timeoutMs = 60_000): Promise<void> {
    const daemon = this.#spawn(['run']);
    this.#daemon = daemon;
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#noise += text;
    });
    if (daemon.stdout !== null) {
      createInterface(daemon.stdout).on('line', (line) => {
        if (line.startsWith('{')) this.log.add(JSON.parse(line));
        else this.#noise += `${line}\n`;
      });
    }
    const since = this.log.lines.length;
    const gone = once(daemon, 'close').then(([code]) => `${code}\n${this.#noise}`);
    await this.log.waitFor({ event: 'started' }, { since, gone, timeoutMs });
  }

  /** Ends the daemon and returns its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    const daemon = this.#daemon;
    if (daemon === undefined) return 0;
    if (daemon.exitCode === null && daemon.signalCode === null) daemon.kill(signal);
    return this.ended();
  }

  /** Waits until the daemon ends by itself, and returns its exit code, or the signal that ended it. */
  async ended(): Promise<number | string> {
    const daemon = this.#daemon;
    if (daemon === undefined) return 0;
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'close');
    return daemon.exitCode ?? daemon.signalCode ?? 0;
  }

  /** Asks the daemon over its control socket. */
  post(path: '/v1/reprovision' | '/v1/roll' | '/v1/csr' | '/v1/uplink', body: object = {}): Promise<Reply> {
    return askSocket(this.socket, 'POST', path, body);
  }

  /** What the socket tells of the programs. */
  async uplink(): Promise<{ readonly programs: readonly ProgramTold[]; readonly rate: number }> {
    const { body } = await askSocket(this.socket, 'GET', '/v1/uplink');
    return body as { programs: ProgramTold[]; rate: number };
  }

  /** Makes a program with a socket of its own. @returns the path of the socket */
  async program(name: string): Promise<string> {
    const { status, body } = await askSocket(this.socket, 'POST', '/v1/uplink', { add: name });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return (body as { socket: string }).socket;
  }

  /** Makes a program with a key. */
  async keyedProgram(name: string): Promise<{ readonly tcp: string; readonly key: string; readonly ca: string }> {
    const { status, body } = await askSocket(this.socket, 'POST', '/v1/uplink', { add: name, key: true });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body as { tcp: string; key: string; ca: string };
  }

  async status(): Promise<Status> {
    try {
      const { body } = await askSocket(this.socket, 'GET', '/v1/status');
      return body as Status;
    } catch (cause) {
      throw new Error(`${cause}\n${this.#noise}${this.log.tail()}`, { cause });
    }
  }

  /** Waits until the status is so, looking again at each line of the log. */
  async until(isSo: (status: Status) => boolean, timeoutMs = 60_000): Promise<Status> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const since = this.log.lines.length;
      const status = await this.status();
      if (isSo(status)) return status;
      await this.log.waitFor(() => true, { since, timeoutMs: Math.max(1, deadline - Date.now()) });
    }
  }

  /** Waits until the daemon serves, with nothing left to do. */
  settled(): Promise<Status> {
    return this.until(({ phase, online, request: busy }) => phase === 'serving' && online && busy === undefined);
  }

  /** Runs a command of the program to its end. */
  async command(...args: readonly string[]): Promise<Ended> {
    const child = this.#spawn(args);
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
    const [code] = await once(child, 'close');
    clearTimeout(timer);
    return { code, out, err };
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    this.token.hsm.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #spawn(args: readonly string[]): ChildProcess {
    const env = { ...process.env, ...this.token.hsm.environment, NEWLEAF_CONFIG: this.configuration, NO_COLOR: '1' };
    const [program = NODE, ...before] = this.#argv;
    return spawn(program, [...before, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
