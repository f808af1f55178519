import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from '../../agent/control-client.ts';
import type { Status } from '../../agent/roll/report.ts';
import { softHsm, type TestToken } from '../contract/token/softhsm.ts';
import type { Endpoints } from '../simulator/api.ts';

/** The bundle under test, and the node that runs it: both can be given from outside. */
const BUNDLE = process.env.NEWLEAF_TEST_BUNDLE ?? join(import.meta.dirname, '..', '..', 'dist', 'newleaf.js');
const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface GatewayOptions {
  readonly registrationId?: string;
  /** TOML that is added at the end, or replaces a line of the configuration that begins with the same key. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

/** A gateway of its own: a SoftHSM token, a configuration, and the real bundled program. */
export class Gateway {
  readonly directory = mkdtempSync(join(tmpdir(), 'newleaf-gateway-'));
  readonly hsm: TestToken = softHsm('newleaf');
  readonly registrationId: string;
  readonly log: LogLine[] = [];
  readonly #nodeOptions: readonly string[];
  #daemon: ChildProcess | undefined;
  #noise = '';

  constructor(at: Endpoints, { registrationId = 'gw-0001', settings = {}, nodeOptions = [] }: GatewayOptions = {}) {
    this.registrationId = registrationId;
    this.#nodeOptions = nodeOptions;
    const file = (name: string, text: string, mode = 0o644) => {
      const path = join(this.directory, name);
      writeFileSync(path, text, { mode });
      return JSON.stringify(path);
    };
    const values: Record<string, string> = {
      'dps.endpoint': JSON.stringify(at.dps),
      'dps.id_scope': JSON.stringify(at.idScope),
      'dps.registration_id': JSON.stringify(registrationId),
      'hsm.module': JSON.stringify(this.hsm.module),
      'hsm.token': JSON.stringify(this.hsm.token),
      'hsm.pin_file': file('pin', `${this.hsm.pin}\n`, 0o600),
      'leaf.issuer': '"est"',
      'issuer.est.url': JSON.stringify(at.est),
      'issuer.est.ca_file': file('est-ca.pem', at.estCaPem),
      'issuer.est.username': JSON.stringify(at.estUsername),
      'issuer.est.password_file': file('est-password', at.estPassword, 0o600),
      'trust.ca_file': file('trust.pem', at.trustPem),
      'state.directory': JSON.stringify(join(this.directory, 'state')),
      'control.socket': JSON.stringify(this.socket),
      'log.level': '"debug"',
      ...settings,
    };
    const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}`);
    writeFileSync(this.configuration, `${lines.join('\n')}\n`);
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

  /** Starts `newleaf run`; resolves when its control socket answers, rejects when it ends before that. */
  async start(): Promise<void> {
    const daemon = this.#spawn(['run']);
    this.#daemon = daemon;
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#noise += text;
    });
    const started = new Promise<void>((resolve) => {
      if (daemon.stdout === null) return;
      createInterface(daemon.stdout).on('line', (line) => {
        if (!line.startsWith('{')) this.#noise += `${line}\n`;
        else {
          const entry: LogLine = JSON.parse(line);
          this.log.push(entry);
          if (entry.event === 'started') resolve();
        }
      });
    });
    const ended = once(daemon, 'exit').then(([code]) => {
      throw new Error(
        `newleaf run ended with ${code}\n${this.#noise}${this.log.map((line) => JSON.stringify(line)).join('\n')}`,
      );
    });
    await Promise.race([started, ended]);
    ended.catch(() => {});
  }

  /** Ends the daemon and returns its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return daemon?.exitCode ?? 0;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    const [code, by] = await ended;
    return code ?? by;
  }

  /** Waits for the daemon to end by itself. */
  async ended(): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === undefined) return null;
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    return daemon.exitCode;
  }

  async status(): Promise<Status> {
    const { body } = await request(this.socket, 'GET', '/v1/status');
    return body as Status;
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
    const [code] = await once(child, 'close');
    return { code, out, err };
  }

  /** What is in the token, asked from outside: labels of the private keys. */
  privateKeys(): readonly string[] {
    const listed = this.pkcs11Tool('--list-objects', '--type', 'privkey');
    return [...listed.matchAll(/^ {2}label: +(.+)$/gm)].map(([, label = '']) => label).sort();
  }

  pkcs11Tool(...args: readonly string[]): string {
    const { module, token, pin, environment } = this.hsm;
    const all = ['--module', module, '--token-label', token, '--login', '--pin', pin, ...args];
    return execFileSync('pkcs11-tool', all, {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    });
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    this.hsm.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #spawn(args: readonly string[]): ChildProcess {
    const env = { ...process.env, ...this.hsm.environment, NEWLEAF_CONFIG: this.configuration, NO_COLOR: '1' };
    return spawn(NODE, [...this.#nodeOptions, BUNDLE, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }
}
