import { rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Failure, Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { isRandomName, volumeOfPrograms } from '../machine/contained.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { makePath, setMode } from '../machine/make-path.ts';
import { SOCKETS_MODE } from '../machine/program-directory.ts';
import { makeDirectory, writeIfOther } from '../state/durable.ts';
import { Turns } from '../time/turns.ts';
import type { LazyUplinkOptions } from './options.ts';
import type { ClientRules } from './ports.ts';
import type { Program } from './program.ts';
import { type LocalCa, openLocalCa } from './wire/local-ca.ts';
import { byKey } from './wire/sas.ts';
import { type Listener, ofProgram, WireServer } from './wire/server.ts';

interface ListenersOptions extends LazyUplinkOptions {
  /** Of the uplink, in the state directory. */
  readonly directory: string;
  readonly rules: ClientRules;
}

/** The socket inherits the group of its directory (setgid): each member of this group may be the program. */
const SOCKET_MODE = 0o660;
const SOCKET = 'mqtt.sock';
const AGAIN_MS = 60_000;
const CA_FILE = 'ca.pem';
/** The unit lets the daemon write there. */
const USUAL = '/run/newleaf-uplink';

/**
 * Programs are told `localhost`, which in Debian's /etc/hosts is ::1 as well, and that comes first. Not all try a second address:
 * the bridge of mosquitto 2.0 and Node 18 do not.
 */
const FOR_LOCALHOST = new Set(['127.0.0.1', '0.0.0.0']);
const IPV6_LOOPBACK = '::1';

const isWithoutIpv6 = ({ cause }: Error): boolean =>
  ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/** The sockets of the programs: one each, and one port for those with a key. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #server: WireServer;
  /** By program; those with a key share the port. */
  readonly #sockets = new Map<string, Listener>();
  readonly #keys = new Map<string, string>();
  #ports: readonly Listener[] = [];
  /** Programs with a key share the port: one after the other. */
  readonly #turns = new Turns();
  readonly #over = new AbortController();

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#server = new WireServer(options);
  }

  /** How the program connects: `HowToConnect` of cli/uplink/told.ts. */
  address({ name, connects, key = '' }: Program): object {
    const { sockets, tcp, hosts: [host] = [] } = this.#options.settings;
    if (connects === 'socket') return { socket: join(sockets, name, SOCKET) };
    return { tcp, ...(host !== undefined && { host }), key, ca: join(sockets, CA_FILE) };
  }

  /** A failure is the trouble of this program alone, and is tried again each minute: what is in the way may go. */
  async open(program: Program): Promise<void> {
    const before = program.unreachable;
    try {
      await this.#turns.take(() => this.#open(program));
      program.unreachable = undefined;
    } catch (error) {
      const met = failureOf(error);
      program.unreachable = met;
      if (before?.message !== met.message)
        this.#options.log.error({ event: 'uplink-socket', id: program.name, ...failureFields(met) });
      void this.#openLater(program, met);
    }
  }

  async #openLater(program: Program, met: Failure): Promise<void> {
    await this.#options.clock.sleep(AGAIN_MS, this.#over.signal);
    // It may have been removed meanwhile.
    if (!this.#over.signal.aborted && program.unreachable === met) await this.open(program);
  }

  async #open({ name, connects, key }: Program): Promise<void> {
    if (connects === 'socket') return this.#openSocket(name);
    if (key === undefined) return;
    this.#keys.set(name, key);
    if (this.#ports.length === 0) this.#ports = await this.#openPorts();
  }

  async end(name: string): Promise<void> {
    this.#keys.delete(name);
    await this.#sockets.get(name)?.close();
    this.#sockets.delete(name);
    // A directory that root has made is removed by `newleaf uplink remove`, where the daemon may not do so.
    await rmdir(join(this.#options.settings.sockets, name)).catch(() => {});
    if (this.#keys.size > 0) return;
    for (const port of this.#ports) await port.close();
    this.#ports = [];
  }

  close(): Promise<void> {
    this.#over.abort();
    return this.#server.close();
  }

  async #openSocket(name: string): Promise<void> {
    const directory = join(this.#options.settings.sockets, name);
    await this.#writing(directory, () => makeDirectory(directory));
    const place = { path: join(directory, SOCKET), mode: SOCKET_MODE };
    this.#sockets.set(name, await this.#server.listen(place, ofProgram(name)));
  }

  async #openPorts(): Promise<readonly Listener[]> {
    const { settings, now } = this.#options;
    const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(settings.tcp) ?? [];
    const ca = await this.#openCa(host);
    const authenticate = byKey(() => [...this.#keys].map(([name, key]) => ({ name, key })), now);
    const listen = (at: string) =>
      this.#server.listen({ host: at, port: Number(port), credentials: () => ca.credentials() }, authenticate);
    const first = await listen(host);
    if (!FOR_LOCALHOST.has(host)) return [first];
    try {
      return [first, await listen(IPV6_LOOPBACK)];
    } catch (error) {
      if (isWithoutIpv6(error as Error)) return [first];
      await first.close();
      throw error;
    }
  }

  async #openCa(host: string): Promise<LocalCa> {
    const { directory, settings, clock, earliest, log, env } = this.#options;
    const { hosts = [hostname()].filter((name) => !isRandomName(name, env)) } = settings;
    const names = [...hosts, host];
    const tls = join(directory, '.tls');
    await makeDirectory(tls);
    const ca = await openLocalCa({ directory: tls, names, now: () => clock.now(), earliest, log });
    // Programs may not look into the state directory.
    const file = join(settings.sockets, CA_FILE);
    await this.#writing(file, () => writeIfOther(file, ca.caPem, 0o644));
    return ca;
  }

  /** Writes into the directory of the sockets, which each user may enter: the unit has a narrower umask. */
  async #writing(path: string, write: () => Promise<void>): Promise<void> {
    const { sockets } = this.#options.settings;
    try {
      if (await makePath(sockets)) await setMode(sockets, SOCKETS_MODE);
      await write();
    } catch (cause) {
      const message = `${path} cannot be made.`;
      const ofMachine = `Let the user of the daemon write to uplink.sockets; under systemd, another place than ${USUAL} needs ReadWritePaths=.`;
      const advice = volumeOfPrograms(this.#options.env) ?? ofMachine;
      throw new Fault('NL-UPLINK-SOCKET', { message, cause, advice });
    }
  }
}
