import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askSocket } from '../../../agent/control/client.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { bundle, bundleApart } from '../../../scripts/build.ts';
import { softHsmUnder } from '../../contract/token/softhsm.ts';
import type { Endpoints } from '../../simulator/api.ts';
import { settingsOf, tomlOf, writeFiles } from '../stage/settings.ts';
import { Host } from './host.ts';

/** One for each core of a small machine. */
const HOSTS = 2;
/** SoftHSM reads every object of a token at each search: 400 keys in one token take a minute for what 10 take a second. */
const GATEWAYS_OF_A_TOKEN = 5;
/** Two hundred gateways have two hundred disks; here all would queue for one, at each fsync. */
const MEMORY = '/dev/shm';

interface Member {
  readonly host: Host;
  /** Label of the token. */
  readonly token: string;
  readonly home: string;
  /** Its configuration. */
  readonly file: string;
}

/**
 * Many gateways: the real daemon with its real adapters for each, its own state, socket, registration ID, and keys under
 * a prefix of its own. What is not real: they share two processes, and five of them a token.
 */
export class Fleet {
  readonly names: readonly string[];
  readonly hosts: readonly Host[];
  /** The program of the hosts, and what belongs to the gateways. */
  readonly #directories: { readonly program: string; readonly files: string };
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(
    directories: { readonly program: string; readonly files: string },
    hosts: readonly Host[],
    members: ReadonlyMap<string, Member>,
  ) {
    this.#directories = directories;
    this.hosts = hosts;
    this.#members = members;
    this.names = [...members.keys()];
  }

  /** Makes the gateways; none of them runs yet. */
  static async open(at: Endpoints, names: readonly string[]): Promise<Fleet> {
    // Not in memory: what is loaded from there may not be executed on every machine.
    const program = mkdtempSync(join(tmpdir(), 'newleaf-host-'));
    await Promise.all([bundle(join(import.meta.dirname, 'daemons.ts'), program), bundleApart(program)]);
    const ground = existsSync(MEMORY) ? MEMORY : tmpdir();
    const files = mkdtempSync(join(ground, 'newleaf-fleet-'));
    const labels = tokensFor(names.length);
    const hosts = Array.from(
      { length: HOSTS },
      () => new Host(join(program, 'newleaf.js'), softHsmUnder(ground, labels)),
    );
    const members = names.map((registrationId, at) => {
      const home = join(files, registrationId);
      const host = hosts[at % HOSTS];
      const token = labels[Math.floor(at / HOSTS) % labels.length];
      if (host === undefined || token === undefined) throw new Error('there is no host');
      return [registrationId, { host, token, home, file: join(home, 'newleaf.toml') }] as const;
    });
    for (const [registrationId, { host, token, home, file }] of members) {
      const hsm = { ...host.hsm, token };
      mkdirSync(home);
      writeFiles(at, { hsm, files });
      const own = { 'hsm.label_prefix': JSON.stringify(registrationId), 'log.level': '"warn"' };
      writeFileSync(file, tomlOf({ ...settingsOf(at, { registrationId, hsm, files, home }), ...own }));
    }
    return new Fleet({ program, files }, hosts, new Map(members));
  }

  /** Starts the daemon, on the state that an earlier one left; resolves when it runs. */
  async start(name: string): Promise<void> {
    const { host, file } = this.#member(name);
    await host.ask({ order: 'start', file });
  }

  /** Ends the daemon, and its sessions with it. */
  async stop(name: string): Promise<void> {
    const { host, file } = this.#member(name);
    await host.ask({ order: 'stop', file });
  }

  /** What the daemon says over its control socket. */
  async status(name: string): Promise<Status> {
    const { body } = await askSocket(join(this.#member(name).home, 'control.sock'), 'GET', '/v1/status');
    return body as Status;
  }

  /** Labels of all private keys there are. */
  async keys(): Promise<readonly string[]> {
    const tokens = new Set([...this.#members.values()].map(({ token }) => token));
    const asked = this.hosts.flatMap((host) =>
      [...tokens].map((token) => host.ask({ order: 'keys', module: host.hsm.module, token })),
    );
    return (await Promise.all(asked)).flatMap(({ keys = [] }) => keys);
  }

  /** A place for a file that goes away with the fleet. */
  path(name: string): string {
    return join(this.#directories.files, name);
  }

  /** The end of what the daemons had to complain of. */
  get noise(): string {
    return this.hosts.map(({ noise }) => noise).join('\n');
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.end();
    const { program, files } = this.#directories;
    for (const directory of [program, files]) rmSync(directory, { recursive: true, force: true });
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no gateway ${name}`);
    return member;
  }
}

function tokensFor(gateways: number): [string, ...string[]] {
  const count = Math.ceil(gateways / HOSTS / GATEWAYS_OF_A_TOKEN);
  return ['token-1', ...Array.from({ length: count - 1 }, (_, at) => `token-${at + 2}`)];
}
