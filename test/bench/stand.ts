import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Gateway } from '../e2e/stage/gateway.ts';
import { inEnvironment } from '../put-back.ts';
import { connectSimulator, type RemoteSimulator } from '../simulator/client.ts';
import { type Entry, matcher, type Query } from '../simulator/log.ts';
import { RawDevice } from './raw-device.ts';

export type Environment = Readonly<Record<string, string>>;

/** What systemd/newleaf.service sets; that of the package which runs with Debian's Node 20 has no flags of V8 (scripts/deb/make.sh). */
export const FLAGS: readonly string[] = [
  '--use-openssl-ca',
  ...(process.version.startsWith('v20.') ? [] : ['--max-semi-space-size=1', '--max-old-space-size=48']),
];
export const ENVIRONMENT: Environment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_TOP_PAD_: '0',
};

/** What a gateway trusts unless it is told otherwise. */
const SYSTEM_CAS = '/etc/ssl/certs/ca-certificates.crt';
const PATIENCE_MS = 30_000;
/** The heap of a process that has just begun to serve is still moving. */
const CALM_MS = 2_000;

/** Where one Node is measured: the far side, and gateways that this Node runs. */
export class Stand {
  readonly far: RemoteSimulator;
  /** Registration IDs of two Nodes must not meet at the far side. */
  readonly #prefix: string;
  readonly #gateways: Gateway[] = [];
  #rawDevice: Promise<RawDevice> | undefined;
  #seen = 0;

  private constructor(far: RemoteSimulator, prefix: string) {
    this.far = far;
    this.#prefix = prefix;
  }

  /** @param control URL of the far side's control port */
  static async open(control: string, prefix: string): Promise<Stand> {
    return new Stand(await connectSimulator(control), prefix);
  }

  /** Each context of OpenSSL reads all of them: some 140 on a Debian, where the far side has one. */
  get trustPem(): string {
    return `${this.far.endpoints.trustPem}\n${readFileSync(SYSTEM_CAS, 'utf8')}`;
  }

  /** A gateway that has been provisioned and stopped: what is measured begins with a journal. */
  async gateway(
    name: string,
    flags = FLAGS,
    settings: Readonly<Record<string, string>> = {},
    prepare: (gateway: Gateway) => Promise<void> = async () => {},
  ): Promise<Gateway> {
    const gateway = new Gateway(
      { ...this.far.endpoints, trustPem: this.trustPem },
      {
        registrationId: this.idOf(name),
        nodeOptions: flags,
        settings: {
          'log.level': '"info"',
          // A hundred refusals within a minute are no fault here.
          'limits.requests_per_hour': '1000',
          'limits.burst': '1000',
          ...settings,
        },
      },
    );
    this.#gateways.push(gateway);
    await prepare(gateway);
    await this.start(gateway);
    await gateway.settled();
    await gateway.stop();
    return gateway;
  }

  /** Starts a gateway, and resolves when it has proven its session. Returns the moment before the fork. */
  async start(gateway: Gateway, environment: Environment = ENVIRONMENT): Promise<number> {
    const since = gateway.log.lines.length;
    // What a gateway gets is copied while it is forked, and must not be there for the next one.
    const at = now();
    await inEnvironment(environment, () => gateway.start());
    await gateway.log.waitFor({ event: 'connected' }, { since, timeoutMs: PATIENCE_MS });
    return at;
  }

  async calm(): Promise<void> {
    await pause(CALM_MS);
  }

  /** What the far side has seen of a device since the last call: asked when it is over, so that nobody is disturbed. */
  async news(registrationId: string): Promise<readonly Entry[]> {
    const entries = await this.far.entries(this.#seen);
    this.#seen = entries.at(-1)?.seq ?? this.#seen;
    const of = new Set(
      entries.filter(({ clientId }) => clientId === registrationId).map(({ connection }) => connection),
    );
    return entries.filter(({ clientId, connection }) => clientId === registrationId || of.has(connection));
  }

  /** The one of this Node. It brings PKCS#11 into this process, whose pages then count as shared: memory comes first. */
  rawDevice(): Promise<RawDevice> {
    this.#rawDevice ??= RawDevice.open(this.far.endpoints, this.idOf('raw'));
    return this.#rawDevice;
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.remove()));
    (await this.#rawDevice)?.hsm.remove();
  }

  idOf(name: string): string {
    return `${this.#prefix}-${name}`;
  }
}

/** Milliseconds since the epoch, as fine as the far side's. */
export const now = (): number => performance.timeOrigin + performance.now();

/** When something happened first. */
export function at(entries: readonly Entry[], query: Query): number {
  const found = entries.find(matcher(query));
  if (found === undefined) throw new Error(`the far side saw no ${JSON.stringify(query)}`);
  return found.at;
}
