import { refusalOf } from '../../agent/dps/refusal.ts';
import { Fault } from '../../agent/failure/failure.ts';
import type { Assignment, Leaf } from '../../agent/roll/leaf.ts';
import type { VirtualClock } from '../search/virtual-clock.ts';
import { Quota, type Rate } from './quota.ts';

/** What is asked at one moment: `at` is the monotonic clock in milliseconds. */
export interface Asked {
  readonly at: number;
  readonly device: string;
  readonly status: number;
}

export interface FarOptions {
  readonly clock: VirtualClock;
  /** Registrations that DPS takes of all devices together. */
  readonly registrations: Rate;
  /** Connects that a hub takes. */
  readonly connects: Rate;
  readonly by?: 'bucket' | 'window';
  /** What a 429 asks for, in milliseconds; undefined: it has no Retry-After. */
  readonly retryAfterMs?: number;
  /** From dialling to the first answer, in milliseconds. */
  readonly handshakeMs?: number;
  /** From the 202 of DPS to its assignment, in milliseconds. */
  readonly pollMs?: number;
}

interface Session {
  readonly leaf: Leaf;
  readonly hub: string;
  readonly since: number;
  readonly lost: (heldMs: number) => void;
}

/** The real DPS was seen to say "retry-after=3". */
const POLL_MS = 3_000;
/** TCP, TLS with the key of a token, and MQTT, over a line of 50 ms. */
const HANDSHAKE_MS = 300;
const STATUS = { assigned: 200, unlinked: 400, refused: 401, throttled: 429 } as const;

/** DPS and the hubs of one fleet. All gateways ask the same, which the simulator on loopback cannot take at this size. */
export class Far {
  readonly options: FarOptions;
  /** The region does not answer. */
  isDown = false;
  /** The hub that DPS assigns; undefined: none is linked. */
  hub: string | undefined = 'hub1';
  /** Hubs that are deleted. */
  readonly gone = new Set<string>();
  /** Issuers that the enrollment group trusts. */
  enrolled: ReadonlySet<string> = new Set(['CA 1']);
  /** Who signs new leaves. */
  issuer = 'CA 1';
  readonly registrations: Asked[] = [];
  readonly connects: Asked[] = [];
  /** By hub and device: the leaf that registered last. */
  readonly #registry = new Map<string, string>();
  readonly sessions = new Map<string, Session>();
  /** Times without a session, from and until by the monotonic clock in milliseconds. */
  readonly outages: { readonly from: number; readonly until: number }[] = [];
  readonly #offline = new Map<string, number>();
  #ofDps: Quota | undefined;
  #ofHubs: Quota | undefined;
  #made = 0;

  constructor(options: FarOptions) {
    this.options = options;
  }

  /** From here on it counts: a fleet of tests is provisioned without. */
  begin(): void {
    const { clock, registrations, connects, by } = this.options;
    const now = () => clock.monotonic();
    this.#ofDps = new Quota(now, registrations, by);
    this.#ofHubs = new Quota(now, connects, by);
    this.registrations.length = 0;
    this.connects.length = 0;
  }

  issue(device: string, key: Leaf['key'], issuer = this.issuer): Leaf {
    this.#made += 1;
    const thumbprint = `T${this.#made}`;
    const notBefore = this.options.clock.now() - 3_600_000;
    // Serial numbers are random numbers, and a hash over this one is as good.
    const leaf = { key, chain: '', thumbprint, cn: device, serial: `${device}-${this.#made}`, issuer, notBefore };
    return { ...leaf, notAfter: notBefore + 90 * 24 * 3_600_000 };
  }

  /** DPS has registered this leaf, and the hub knows it. */
  write(hub: string, device: string, { thumbprint }: Leaf): void {
    for (const other of ['hub1', 'hub2']) this.#registry.delete(`${other}/${device}`);
    this.#registry.set(`${hub}/${device}`, thumbprint);
  }

  /** All identities in the hubs are deleted, and their sessions end over one second. */
  async forget(): Promise<void> {
    this.#registry.clear();
    await this.endSessions(1_000);
  }

  /** @param overMs of the first to the last */
  async endSessions(overMs: number): Promise<void> {
    const devices = [...this.sessions.keys()];
    for (const device of devices) {
      await this.options.clock.sleep(overMs / devices.length);
      this.#end(device);
    }
  }

  /** The CA takes a handshake: it has no quota. */
  async sign(): Promise<void> {
    await this.options.clock.sleep(this.options.handshakeMs ?? HANDSHAKE_MS);
  }

  #end(device: string): void {
    const session = this.sessions.get(device);
    this.drop(device);
    session?.lost(this.options.clock.monotonic() - session.since);
  }

  /** The device is gone, and hears no more. */
  drop(device: string): void {
    if (this.sessions.delete(device)) this.#offline.set(device, this.options.clock.monotonic());
  }

  /** One registration, polling included. @throws Fault NL-DPS-* */
  async register(device: string, leaf: Leaf, abort?: AbortSignal): Promise<Assignment> {
    const { clock, handshakeMs = HANDSHAKE_MS, pollMs = POLL_MS, retryAfterMs } = this.options;
    await clock.sleep(handshakeMs, abort);
    // What is thrown is dropped with the effect.
    if (this.isDown || abort?.aborted) throw new Fault('NL-DPS-UNREACHABLE');
    const say = (status: number) => this.registrations.push({ at: clock.monotonic(), device, status });
    if (this.#ofDps?.take() === false) {
      say(STATUS.throttled);
      throw refusalOf(STATUS.throttled, { errorCode: 429_001, cause: undefined, wait: retryAfterMs });
    }
    if (!this.enrolled.has(leaf.issuer)) {
      say(STATUS.refused);
      throw refusalOf(STATUS.refused, { errorCode: 401_002, cause: undefined, wait: undefined });
    }
    const { hub } = this;
    say(hub === undefined ? STATUS.unlinked : STATUS.assigned);
    await clock.sleep(pollMs, abort);
    if (hub === undefined) throw refusalOf(400, { errorCode: 400_208, cause: undefined, wait: undefined });
    this.write(hub, device, leaf);
    return { hub, deviceId: device };
  }

  /** @throws Fault NL-HUB-* */
  async connect(device: string, leaf: Leaf, hub: string, lost: Session['lost'], abort?: AbortSignal): Promise<void> {
    const { clock, handshakeMs = HANDSHAKE_MS } = this.options;
    await clock.sleep(handshakeMs, abort);
    if (this.isDown || this.gone.has(hub) || abort?.aborted) throw new Fault('NL-HUB-UNREACHABLE');
    const isKnown = this.#registry.get(`${hub}/${device}`) === leaf.thumbprint;
    // Whether a hub counts those that it refuses is not documented. If it did, a fleet would hear of a refusal over minutes.
    const isTaken = !isKnown || this.#ofHubs?.take() !== false;
    this.connects.push({ at: clock.monotonic(), device, status: isTaken ? (isKnown ? 0 : 5) : 3 });
    if (!isTaken) throw new Fault('NL-HUB-UNAVAILABLE');
    if (!isKnown) throw new Fault('NL-HUB-REJECTED');
    this.sessions.set(device, { leaf, hub, since: clock.monotonic(), lost });
    this.#online(device);
  }

  #online(device: string): void {
    const from = this.#offline.get(device);
    this.#offline.delete(device);
    const until = this.options.clock.monotonic();
    if (from !== undefined) this.outages.push({ from, until });
  }
}
