import { type Code, Fault, failure } from '../../agent/failure/failure.ts';
import { Keepalive, LEAST_PING_MS } from '../../agent/hub/keepalive.ts';
import { type Quiet, USUAL } from '../../agent/mqtt/pings.ts';
import type { Assignment, KeyRef, Leaf } from '../../agent/roll/leaf.ts';
import type { HubSignal, Ports } from '../../agent/roll/ports.ts';
import type { Answered, Faults, Whom } from './faults.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What is asked of the outside, and counted. */
export const CALLS = ['register', 'reach DPS', 'issue', 'connect', 'write', 'generate', 'destroy', 'report'] as const;
export type Call = (typeof CALLS)[number];

/** A registration that ends like this has not reached DPS: it costs the gateway a packet, and DPS nothing. */
const UNREACHED: ReadonlySet<Code> = new Set<Code>(['NL-DPS-UNREACHABLE', 'NL-DPS-UNTRUSTED']);

const LATENCY_MS = 1_000;

export interface WorldOptions {
  readonly clock: VirtualClock;
  /** Accepts every leaf of its CA, or only those that the operator has put into it. */
  readonly enrollment: 'group' | 'individual';
  /** Of the leaves that the issuer gives, in milliseconds. */
  readonly lifetimeMs: number;
  /** The leaf that the journal calls current, and every leaf that it knows. */
  readonly current: () => Leaf | undefined;
  readonly candidate: () => Leaf | undefined;
  /** A law is broken by what the daemon does. */
  readonly broken: (law: string) => void;
}

interface Session {
  readonly thumbprint: string;
  readonly hub: string;
  readonly since: number;
  readonly process: number;
  readonly keepalive: Keepalive;
  /** From ping to ping, in milliseconds. */
  readonly everyMs: number;
}

/** The outside of one gateway: token, issuer, DPS and two hubs. It outlives the daemon's processes. */
export class World {
  readonly #options: WorldOptions;
  faults: Faults = {};
  readonly token = new Map<'a' | 'b', string>();
  readonly lost = new Set<string>();
  readonly enrolled = new Set<string>();
  enabled = true;
  assigns = 'hub1';
  /** Thumbprint in the registry of each hub. */
  readonly registry = new Map<string, string>();
  readonly gone = new Set<string>();
  session: Session | undefined;
  /** Monotonic moments of each call. */
  readonly calls: Record<Call, number[]> = Object.fromEntries(CALLS.map((call) => [call, []])) as never;
  /** The process that is alive; what others still want has no effect. */
  process = 0;
  #made = 0;
  #hear: (signal: HubSignal) => void = () => {};

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  count(call: Call): void {
    this.calls[call].push(this.#options.clock.monotonic());
  }

  /** A leaf for a key, from now on. */
  issue({ slot, id }: KeyRef, lifetimeMs = this.#options.lifetimeMs): Leaf {
    this.#made += 1;
    const now = this.#options.clock.now();
    const name = String(this.#made);
    const thumbprint = `T${name}`;
    const notAfter = now + lifetimeMs;
    return {
      key: { slot, id },
      chain: `PEM ${name}`,
      thumbprint,
      cn: 'gw-1',
      serial: name,
      issuer: 'CA',
      notBefore: now - 60_000,
      notAfter,
    };
  }

  makeKey(slot: 'a' | 'b', id = `K${this.#made + 1}`): KeyRef {
    this.#made += 1;
    this.token.set(slot, id);
    return { slot, id };
  }

  isLive(leaf: Leaf, forMs = 0): boolean {
    return leaf.notAfter > this.#options.clock.now() + forMs;
  }

  has(key: KeyRef): boolean {
    return key.slot !== 'given' && this.token.get(key.slot) === key.id && !this.lost.has(key.id);
  }

  /** Whether this fault meets this leaf. */
  meets(whom: Whom, thumbprint: string): boolean {
    const isCurrent = this.#options.current()?.thumbprint === thumbprint;
    return whom === 'all' || (whom === 'current') === isCurrent;
  }

  /** What DPS would say to a leaf; undefined where it would assign. */
  refusalOf(leaf: Leaf): Answered | undefined {
    const { dps, network } = this.faults;
    if (network) return { code: 'NL-DPS-UNREACHABLE', whom: 'all' };
    if (dps !== undefined && this.meets(dps.whom, leaf.thumbprint)) return dps;
    if (!this.enabled) return { code: 'NL-DPS-DISABLED', whom: 'all' };
    const known = this.#options.enrollment === 'group' || this.enrolled.has(leaf.thumbprint);
    return known && this.isLive(leaf) ? undefined : { code: 'NL-DPS-401002', whom: 'all' };
  }

  /** What a hub would say to a leaf that DPS has just registered; undefined where it would accept. */
  rejectionOf(leaf: Leaf, hub: string): Code | undefined {
    const { hub: fault, network } = this.faults;
    if (network || this.gone.has(hub)) return 'NL-HUB-UNREACHABLE';
    if (fault !== undefined && this.meets(fault.whom, leaf.thumbprint)) return fault.code;
    return this.isLive(leaf) ? undefined : 'NL-HUB-CLOSED';
  }

  handshakeOf(leaf: Leaf): Code | undefined {
    const { handshake } = this.faults;
    if (!this.has(leaf.key)) return 'NL-TOKEN-KEY';
    return handshake !== undefined && this.meets(handshake.whom, leaf.thumbprint) ? handshake.code : undefined;
  }

  /** The hub, or the way to it, ends the session. */
  endSession(): void {
    const { session } = this;
    if (session === undefined) return;
    const { everyMs } = session;
    this.#lose(session, {
      idleMs: this.#age(session) % everyMs,
      isUnanswered: false,
      outlivedMs: this.#outlived(session),
    });
  }

  #age = ({ since }: Session): number => this.#options.clock.monotonic() - since;

  #outlived = (session: Session): number => (this.#age(session) < session.everyMs ? 0 : session.everyMs);

  #lose(session: Session, quiet: Quiet): void {
    if (this.session !== session) return;
    this.session = undefined;
    const { thumbprint, keepalive } = session;
    const met = keepalive.ended(quiet) ?? failure('NL-HUB-LOST');
    if (session.process === this.process)
      this.#hear({ kind: 'lost', thumbprint, heldMs: this.#age(session), failure: met });
  }

  /** A box on the way looks at the session that is open. */
  box(): void {
    const { session, faults } = this;
    if (session === undefined || faults.idle === undefined) return;
    const { ms, silent = false } = faults.idle;
    const { everyMs } = session;
    if (everyMs < ms) return;
    const outlivedMs = this.#outlived(session);
    const quiet = { idleMs: silent ? everyMs : ms, isUnanswered: silent, outlivedMs };
    void this.#options.clock.sleep(silent ? everyMs + USUAL.answerMs : ms).then(() => {
      if (this.faults.idle !== undefined) this.#lose(session, quiet);
    });
  }

  /** Whether a session of the machine can live: pings go out before the box on the way ends it. */
  get allowsSessions(): boolean {
    const { hubDrops, idle } = this.faults;
    return hubDrops === undefined && (idle === undefined || idle.ms > LEAST_PING_MS);
  }

  /** The ports of one process. */
  ports(process: number): Ports {
    const { clock } = this.#options;
    const wait = async (ms: number, abort?: AbortSignal) => {
      await clock.sleep(ms, abort);
      if (this.process !== process) await new Promise(() => {});
      if (abort?.aborted) throw new Fault('NL-INTERNAL', { message: 'ended' });
    };
    const fail = (code: Code | undefined, retryAfterMs?: number) => {
      if (code !== undefined) throw new Fault(code, retryAfterMs === undefined ? {} : { retryAfterMs });
    };
    const keepalive = new Keepalive(USUAL.everyMs, () => clock.monotonic());
    const waiting: HubSignal[] = [];
    let wake = () => {};
    this.#hear = (signal) => {
      waiting.push(signal);
      wake();
    };
    async function* signals(): AsyncGenerator<HubSignal> {
      for (;;) {
        const signal = waiting.shift();
        if (signal !== undefined) yield signal;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    }
    return {
      keys: {
        generate: async (slot, id) => {
          await wait(LATENCY_MS);
          this.count('generate');
          fail(this.faults.generate);
          if (slot === 'given') throw new Fault('NL-INTERNAL');
          const found = this.token.get(slot);
          const isThere = found !== undefined && !this.lost.has(found);
          if (isThere && found !== id) throw new Fault('NL-TOKEN-OCCUPIED');
          this.lost.delete(id);
          return isThere ? { slot, id } : this.makeKey(slot, id);
        },
        csr: async (key) => {
          await wait(100);
          fail(this.has(key) ? this.faults.sign : 'NL-TOKEN-KEY');
          return JSON.stringify(key);
        },
        destroy: async (key) => {
          await wait(LATENCY_MS);
          this.count('destroy');
          fail(this.faults.destroy);
          for (const leaf of [this.#options.current(), this.#options.candidate()])
            if (leaf?.key.id === key.id) this.#options.broken('a key is destroyed that the journal relies on');
          if (key.slot !== 'given' && this.token.get(key.slot) === key.id) this.token.delete(key.slot);
        },
      },
      issuer: {
        issue: async (csr, abort) => {
          const { issuer, network } = this.faults;
          const key = JSON.parse(csr) as KeyRef;
          await wait(LATENCY_MS, abort);
          this.count('issue');
          fail(network && 'NL-EST-UNREACHABLE');
          fail(issuer?.code, issuer?.retryAfterMs);
          return JSON.stringify(this.issue(key));
        },
      },
      judge: async (chain) => {
        fail(this.faults.judge);
        return JSON.parse(String(chain)) as Leaf;
      },
      dps: {
        register: async (leaf, abort) => {
          await wait(2 * LATENCY_MS, abort);
          this.count('register');
          fail(this.handshakeOf(leaf));
          const refusal = this.refusalOf(leaf);
          if (refusal === undefined || !UNREACHED.has(refusal.code)) this.count('reach DPS');
          fail(refusal?.code, refusal?.retryAfterMs);
          // Registered last wins; a device that moves is taken out of the hub that it leaves.
          this.registry.clear();
          this.registry.set(this.assigns, leaf.thumbprint);
          return { hub: this.assigns, deviceId: 'gw-1' };
        },
      },
      hub: {
        connect: async (leaf, { hub }: Assignment, abort) => {
          await wait(LATENCY_MS, abort);
          this.count('connect');
          fail(this.handshakeOf(leaf));
          const refusal =
            this.rejectionOf(leaf, hub) ?? (this.registry.get(hub) === leaf.thumbprint ? undefined : 'NL-HUB-REJECTED');
          if (refusal !== undefined) keepalive.failed(new Fault(refusal));
          const { everyMs } = keepalive.begin();
          const session = { thumbprint: leaf.thumbprint, hub, since: clock.monotonic(), process, keepalive, everyMs };
          this.session = session;
          this.box();
          const { hubDrops } = this.faults;
          if (hubDrops !== undefined)
            void clock.sleep(hubDrops).then(() => (this.session === session ? this.endSession() : undefined));
        },
        silentMs: () => undefined,
        report: async () => {
          this.count('report');
          fail(this.faults.twin && 'NL-HUB-TWIN');
        },
        close: async () => {
          if (this.session?.process === process) this.session = undefined;
        },
        signals: { [Symbol.asyncIterator]: signals },
      },
    };
  }
}
