import { type Code, failure } from '../../agent/failure/failure.ts';
import { type Keepalive, LEAST_PING_MS } from '../../agent/hub/keepalive.ts';
import { type Quiet, USUAL } from '../../agent/mqtt/pings.ts';
import type { KeyRef, Leaf } from '../../agent/roll/leaf.ts';
import type { HubSignal } from '../../agent/roll/ports.ts';
import type { RollState } from '../../agent/roll/state.ts';
import { Azure } from './azure/azure.ts';
import { chainOf } from './azure/certificates.ts';
import type { Link } from './azure/link.ts';
import type { Answered, Faults, Whom } from './faults.ts';
import type { Question } from './questions.ts';
import { Reader } from './token.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What is asked of the outside, and counted. */
export const CALLS = [
  'register',
  'reach DPS',
  'issue',
  'certificate',
  'connect',
  'read twin',
  'write',
  'generate',
  'destroy',
  'report',
] as const;
export type Call = (typeof CALLS)[number];

/** A call of those that a step of the machine makes, or the end of a process. */
export interface Asked {
  readonly call: Call | 'restart';
  /** Monotonic clock, milliseconds. */
  readonly at: number;
  /** The leaf that is shown, or the key that is worked with. Where Azure issues, DPS is shown neither. */
  readonly of?: Leaf | KeyRef;
  readonly hub?: string;
}

const MINUTE = 60_000;

/** A CA that no group trusts. */
const STRANGER = 'another CA';

export interface WorldOptions {
  readonly clock: VirtualClock;
  /** Accepts every leaf of its CA, or only those that the operator has put into it. */
  readonly enrollment: 'group' | 'individual';
  /** Of the leaves that the issuer gives, in milliseconds. */
  readonly lifetimeMs: number;
  /** Azure issues the leaves, and the certificate that it knows the gateway by ends after so long, in milliseconds. */
  readonly onboardingLeftMs?: number | undefined;
  /** What serial numbers begin with. */
  readonly serials?: string | undefined;
  /** The CA signs each key once. */
  readonly signsOnce: boolean;
  /** Of the process that is alive. */
  readonly state: () => RollState;
  /** The leaf that the journal calls current, and every leaf that it knows. */
  readonly current: () => Leaf | undefined;
  readonly candidate: () => Leaf | undefined;
  /** A law is broken by what the daemon does. */
  readonly broken: (law: string) => void;
}

interface Session {
  readonly leaf: Leaf;
  readonly hub: string;
  readonly since: number;
  readonly process: number;
  readonly keepalive: Keepalive;
  /** From ping to ping, in milliseconds. */
  readonly everyMs: number;
  readonly link?: Link;
}

/** The outside of one gateway: token, issuer, DPS and two hubs. It outlives the daemon's processes. */
export class World {
  readonly options: WorldOptions;
  /** What DPS has told the hubs, and they have not learned yet. */
  readonly #late = new Set<() => void>();
  faults: Faults = {};
  readonly token = new Reader();
  readonly enrolled = new Set<string>();
  enabled = true;
  assigns = 'hub1';
  /** Thumbprint in the registry of each hub. */
  readonly registry = new Map<string, string>();
  readonly gone = new Set<string>();
  #session: Session | undefined;
  /** Keys for which the CA has signed, by CKA_ID. */
  readonly #signed = new Set<string>();
  /** Every leaf, by its chain. */
  readonly leaves = new Map<string, Leaf>();
  readonly azure: Azure | undefined;
  /** Monotonic moments of each call. */
  readonly calls: Record<Call, number[]> = Object.fromEntries(CALLS.map((call) => [call, []])) as never;
  /** The same in their order, and what each was about. */
  readonly asked: Asked[] = [];
  /** What the gateway has asked, the oldest first. */
  readonly questions: Question[] = [];
  /** The thumbprint that DPS has accepted last. */
  accepted: string | undefined;
  /** The disk did not take everything, or an older state was put back: the gateway may not know what it has registered. */
  isForgetful = false;
  /** Monotonic moments at which a session began or ended. */
  readonly turns: number[] = [];
  /** When the last session ended, on the monotonic clock. */
  servedUntil = 0;
  /** The process that is alive; what others still want has no effect. */
  process = 0;
  #made = 0;
  /** Other gateways have used the quota of DPS. */
  isThrottled: () => boolean = () => false;
  /** The process that is alive hears of its session. */
  hear: (signal: HubSignal) => void = () => {};

  constructor(options: WorldOptions) {
    this.options = options;
    const { onboardingLeftMs } = options;
    this.azure = onboardingLeftMs === undefined ? undefined : new Azure(this, onboardingLeftMs);
  }

  get session(): Session | undefined {
    return this.#session;
  }

  set session(session: Session | undefined) {
    this.#session?.link?.end();
    this.turns.push(this.options.clock.monotonic());
    if (this.#session !== undefined) this.servedUntil = this.options.clock.monotonic();
    this.#session = session;
  }

  count(call: Call): void {
    this.calls[call].push(this.options.clock.monotonic());
  }

  /** The same, told with what it is about. */
  ask(call: Call, of?: Leaf | KeyRef, hub?: string): void {
    this.count(call);
    const at = this.options.clock.monotonic();
    this.asked.push({ call, at, ...(of && { of }), ...(hub !== undefined && { hub }) });
  }

  /** A leaf for a key, from now on. */
  issue(
    { slot, id }: KeyRef,
    { lifetimeMs = this.options.lifetimeMs, isStrange = false, aheadMs = -MINUTE } = {},
  ): Leaf {
    this.#made += 1;
    const now = this.options.clock.now();
    const name = String(this.#made);
    const chain = this.azure ? chainOf(this.#made) : `PEM ${name}`;
    const leaf: Leaf = {
      key: { slot, id },
      chain,
      thumbprint: this.azure?.thumbprintOf(chain) ?? `T${name}`,
      cn: 'gw-1',
      serial: `${this.options.serials ?? ''}${name}`,
      issuer: isStrange ? STRANGER : 'CA',
      notBefore: now + aheadMs,
      notAfter: now + Math.max(0, aheadMs) + lifetimeMs,
    };
    this.leaves.set(chain, leaf);
    this.azure?.keep(leaf);
    return leaf;
  }

  makeKey(slot: KeyRef['slot'], id = `K${this.#made + 1}`): KeyRef {
    this.#made += 1;
    this.token.card?.keys.set(slot, id);
    return { slot, id };
  }

  isLive(leaf: Leaf, forMs = 0): boolean {
    return leaf.notAfter > this.options.clock.now() + forMs;
  }

  /** Whether this fault meets this leaf. */
  meets(whom: Whom, thumbprint: string): boolean {
    const isCurrent = this.options.current()?.thumbprint === thumbprint;
    return whom === 'all' || (whom === 'current') === isCurrent;
  }

  /** What DPS would say to a leaf, or to the onboarding identity in place of it; undefined where it would assign. */
  refusalOf(leaf?: Leaf): Answered | undefined {
    const { dps, network } = this.faults;
    if (network) return { code: 'NL-DPS-UNREACHABLE', whom: 'all' };
    // The onboarding identity is the same, whatever leaf it asks for.
    const shown = this.azure ? undefined : leaf;
    if (dps !== undefined && (shown === undefined || this.meets(dps.whom, shown.thumbprint))) return dps;
    if (!this.enabled) return { code: 'NL-DPS-DISABLED', whom: 'all' };
    if (shown === undefined) return this.azure?.refusal();
    const isOfGroup = this.options.enrollment === 'group' && shown.issuer !== STRANGER;
    const known = isOfGroup || this.enrolled.has(shown.thumbprint);
    return known && this.isLive(shown) ? undefined : { code: 'NL-DPS-401002', whom: 'all' };
  }

  /** What a hub would say to a leaf that DPS has just registered; undefined where it would accept. */
  rejectionOf(leaf: Leaf, hub: string): Code | undefined {
    const { hub: fault, network } = this.faults;
    if (network || this.gone.has(hub)) return 'NL-HUB-UNREACHABLE';
    if (fault !== undefined && this.meets(fault.whom, leaf.thumbprint)) return fault.code;
    if (!this.isLive(leaf)) return 'NL-HUB-CLOSED';
    return this.azure?.trusts(leaf) === false ? 'NL-HUB-REJECTED' : undefined;
  }

  /** Whether the leaf is that of a device of this hub, which may trust each leaf of a CA. */
  knows({ thumbprint }: Leaf, hub: string): boolean {
    return this.azure ? this.registry.has(hub) : this.registry.get(hub) === thumbprint;
  }

  handshakeOf(leaf: Leaf): Code | undefined {
    const { handshake } = this.faults;
    if (!this.token.has(leaf.key)) return 'NL-TOKEN-KEY';
    if (this.token.isDamaged(leaf.key)) return 'NL-TOKEN-POISONED';
    return handshake !== undefined && this.meets(handshake.whom, leaf.thumbprint) ? handshake.code : undefined;
  }

  /** Whether a new process could open the token, and sign with this key. */
  canSignAnew = (key: KeyRef): boolean =>
    this.token.refusalOfNew() === undefined && this.token.has(key) && !this.token.isDamaged(key);

  /** The CA signs for this key. @returns false where it has done so, and signs each key once */
  signs({ id }: KeyRef): boolean {
    if (this.options.signsOnce && this.#signed.has(id)) return false;
    this.#signed.add(id);
    return true;
  }

  /** The hub, or the way to it, ends the session. */
  endSession(): void {
    const { session } = this;
    if (session === undefined) return;
    const idleMs = this.#age(session) % session.everyMs;
    this.#lose(session, { idleMs, isUnanswered: false, outlivedMs: this.#outlived(session) });
  }

  #age = ({ since }: Session): number => this.options.clock.monotonic() - since;

  #outlived = (session: Session): number => (this.#age(session) < session.everyMs ? 0 : session.everyMs);

  #lose(session: Session, quiet: Quiet): void {
    if (this.session !== session) return;
    this.session = undefined;
    const { leaf, keepalive } = session;
    const met = keepalive.ended(quiet) ?? failure('NL-HUB-LOST');
    const heldMs = this.#age(session);
    if (session.process === this.process)
      this.hear({ kind: 'lost', thumbprint: leaf.thumbprint, heldMs, failure: met });
  }

  /** A box on the way looks at the session that is open. */
  box(): void {
    const { session, faults } = this;
    if (session === undefined || faults.idle === undefined) return;
    const { ms, silent = false } = faults.idle;
    const { everyMs } = session;
    if (everyMs < ms) return;
    const quiet = { idleMs: silent ? everyMs : ms, isUnanswered: silent, outlivedMs: this.#outlived(session) };
    void this.options.clock.sleep(silent ? everyMs + USUAL.answerMs : ms).then(() => {
      if (this.faults.idle !== undefined) this.#lose(session, quiet);
    });
  }

  /** Whether a session of the machine can live: pings go out before the box on the way ends it. */
  get allowsSessions(): boolean {
    const { hubDrops, idle } = this.faults;
    return hubDrops === undefined && (idle === undefined || idle.ms > LEAST_PING_MS);
  }

  /** A hub that ends sessions with their leaf does so within a minute. */
  look(): void {
    const { session, faults } = this;
    if (session !== undefined && faults.hubOddly === 'ended' && !this.isLive(session.leaf)) this.endSession();
  }

  /** DPS tells a hub of a leaf, and it learns of it after a while. Registered last wins. */
  write(hub: string, thumbprint: string, afterMs: number): void {
    const learn = () => {
      if (!this.#late.delete(learn)) return;
      // A device that moves is taken out of the hub that it leaves.
      this.registry.clear();
      this.registry.set(hub, thumbprint);
      const isOther = this.session?.leaf.thumbprint !== thumbprint;
      if (this.faults.hubOddly === 'changed' && isOther) this.endSession();
    };
    this.#late.add(learn);
    if (afterMs === 0) learn();
    else void this.options.clock.sleep(afterMs).then(learn);
  }

  /** The hubs learn of all that DPS has told them, and DPS of the hub that is gone. */
  catchUp(): void {
    for (const learn of this.#late) learn();
    if (this.gone.has(this.assigns)) this.assigns = 'hub2';
  }
}
