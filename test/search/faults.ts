import type { Code } from '../../agent/failure/failure.ts';
import { AZURE_FAULTS, type RenewalFault } from './azure/faults.ts';
import { WIDER_FAULTS } from './wider.ts';

/** Whom a fault meets: every leaf, the one that the journal calls current, or any other. */
export type Whom = 'all' | 'current' | 'candidate';

/** What is out of order outside of the daemon. Absent is in order. */
export interface Faults {
  /** No packet leaves the gateway; a session that is open ends. */
  readonly network?: true;
  readonly dps?: Answered;
  /**
   * loses: it writes the registry, and its answer is lost · slow: it takes 130 s · flips: it assigns the other hub each time ·
   * forgets: it assigns, and writes no registry.
   */
  readonly dpsOddly?: 'loses' | 'slow' | 'flips' | 'forgets';
  readonly hub?: Answered;
  /** The hub accepts, and ends the session after so long, in milliseconds. */
  readonly hubDrops?: number;
  /** A box on the way ends sessions in which there was no packet for so long, in milliseconds; or drops them without a word. */
  readonly idle?: { readonly ms: number; readonly silent?: true };
  /** The hub learns of a registration only after so long, in milliseconds. */
  readonly hubLags?: number;
  /**
   * mute: CONNACK 0, and no answer to the twin read · changed: it ends a session when the registry changes · ended: it ends a
   * session when its leaf has expired · drops: it takes a candidate, and drops it before its twin is read.
   */
  readonly hubOddly?: 'mute' | 'changed' | 'ended' | 'drops';
  readonly issuer?: { readonly code: Code; readonly retryAfterMs?: number };
  /** slow: it takes nine minutes · deaf: it takes nine minutes, and hears no abort · ahead: its clock is days ahead. */
  readonly issuerOddly?: 'slow' | 'deaf' | 'ahead';
  /** What is wrong with each leaf that the issuer gives. */
  readonly judge?: Code;
  readonly generate?: Code;
  /** The token hangs where it makes a key, and the job that asked it is killed. */
  readonly hangs?: true;
  /** The token signs no CSR. */
  readonly sign?: Code;
  /** The token signs no handshake with the key of these leaves. */
  readonly handshake?: { readonly code: Code; readonly whom: Whom };
  readonly destroy?: Code;
  /** The token opens for no new process. */
  readonly shut?: true;
  /** nothing: the disk takes nothing · second: it takes every second write · slow: a write takes 20 s. */
  readonly disk?: 'nothing' | 'second' | 'slow';
  /** The hub takes no reported property. */
  readonly twin?: true;
  /** What a hub does with a request for a certificate, where Azure issues the leaves. */
  readonly renewal?: RenewalFault;
  /** What DPS does: it refuses to issue (403000) · issues nothing · sends a certificate that cannot be read · assigns a hub of MQTT 5. */
  readonly issuing?: 'other' | 'none' | 'unreadable' | 'mqttV5';
  /** The wall clock jumps by so much and back each minute, in milliseconds. */
  readonly clock?: number;
}

export interface Answered {
  readonly code: Code;
  readonly whom: Whom;
  readonly retryAfterMs?: number;
}

const DPS: readonly Code[] = [
  'NL-DPS-401002',
  'NL-DPS-404201',
  'NL-DPS-DISABLED',
  'NL-DPS-REJECTED',
  'NL-DPS-REFUSED',
  'NL-DPS-ALLOCATION',
  'NL-DPS-SCOPE',
  'NL-DPS-THROTTLED',
  'NL-DPS-CONFLICT',
  'NL-DPS-SERVER',
  'NL-DPS-BODY',
  'NL-DPS-UNREACHABLE',
  'NL-DPS-TIMEOUT',
  'NL-DPS-UNTRUSTED',
];

const HUB: readonly Code[] = [
  'NL-HUB-REJECTED',
  'NL-HUB-UNAVAILABLE',
  'NL-HUB-UNREACHABLE',
  'NL-HUB-UNTRUSTED',
  'NL-HUB-CLOSED',
  'NL-HUB-TWIN',
];

const ISSUER: readonly Code[] = [
  'NL-EST-UNREACHABLE',
  'NL-EST-UNTRUSTED',
  'NL-EST-SERVER',
  'NL-EST-WAIT',
  'NL-EST-BODY',
  'NL-EST-AUTH',
  'NL-EST-REFUSED',
  'NL-CMD-WAIT',
  'NL-CMD-REFUSED',
  'NL-CMD-UNREACHABLE',
  'NL-CMD-UNCONFIGURED',
  'NL-CMD-FAILED',
  'NL-ISSUER-NEW-KEY',
];

const LEAF: readonly Code[] = [
  'NL-LEAF-PARSE',
  'NL-LEAF-KEY',
  'NL-LEAF-CN',
  'NL-LEAF-CA',
  'NL-LEAF-EKU',
  'NL-LEAF-VALIDITY',
  'NL-LEAF-SAME',
  'NL-LEAF-NOT-YET',
  'NL-LEAF-CHAIN',
  'NL-LEAF-WEAK',
];

const TOKEN: readonly Code[] = [
  'NL-TOKEN-FAILED',
  'NL-TOKEN-POISONED',
  'NL-TOKEN-MISSING',
  'NL-TOKEN-OCCUPIED',
  'NL-TOKEN-PIN',
];

const WHOM: readonly Whom[] = ['all', 'current', 'candidate'];

/** Every single fault, by a name that says what it is. */
export const FAULTS: ReadonlyMap<string, Faults> = new Map<string, Faults>([
  ['no network', { network: true }],
  ...DPS.flatMap((code) => WHOM.map((whom) => [`DPS: ${code}, ${whom}`, { dps: { code, whom } }] as const)),
  [
    'DPS: NL-DPS-THROTTLED, all, retry after 120 s',
    { dps: { code: 'NL-DPS-THROTTLED', whom: 'all', retryAfterMs: 120_000 } },
  ],
  ...HUB.flatMap((code) => WHOM.map((whom) => [`hub: ${code}, ${whom}`, { hub: { code, whom } }] as const)),
  ['DPS: writes, and its answer is lost', { dpsOddly: 'loses' }],
  ['DPS: answers after 130 s', { dpsOddly: 'slow' }],
  ['DPS: assigns the other hub each time', { dpsOddly: 'flips' }],
  ['DPS: assigns, and tells no hub', { dpsOddly: 'forgets' }],
  ['hub: learns of a registration after 30 s', { hubLags: 30_000 }],
  ['hub: learns of a registration after 3 h', { hubLags: 3 * 3_600_000 }],
  ['hub: CONNACK 0, then silence', { hubOddly: 'mute' }],
  ['hub: ends each session after the twin read', { hubDrops: 1 }],
  ['hub: ends a session when the registry changes', { hubOddly: 'changed' }],
  ['hub: ends a session with its leaf', { hubOddly: 'ended' }],
  ['issuer: takes nine minutes', { issuerOddly: 'slow' }],
  ['issuer: takes nine minutes, and hears no abort', { issuerOddly: 'deaf' }],
  ['issuer: its clock is days ahead', { issuerOddly: 'ahead' }],
  ['hub: ends each session after 5 s', { hubDrops: 5_000 }],
  ['hub: ends each session after 61 s', { hubDrops: 61_000 }],
  ...[10, 25, 70, 170].map(
    (s) => [`way: ends sessions that are idle for ${s} s`, { idle: { ms: s * 1_000 } }] as const,
  ),
  ...[25, 100].map(
    (s) => [`way: drops sessions that are idle for ${s} s`, { idle: { ms: s * 1_000, silent: true } }] as const,
  ),
  ['way: ends sessions before any ping', { idle: { ms: 2_000 } }],
  ['way: drops sessions before any ping', { idle: { ms: 2_000, silent: true } }],
  ...ISSUER.map((code) => [`issuer: ${code}`, { issuer: { code } }] as const),
  ['issuer: NL-EST-WAIT, retry after 1 h', { issuer: { code: 'NL-EST-WAIT', retryAfterMs: 3_600_000 } }],
  ...LEAF.map((code) => [`issuer: gives ${code}`, { judge: code }] as const),
  ...TOKEN.map((code) => [`token: makes no key, ${code}`, { generate: code }] as const),
  ...TOKEN.map((code) => [`token: signs no CSR, ${code}`, { sign: code }] as const),
  ...WHOM.map((whom) => [`token: no handshake, ${whom}`, { handshake: { code: 'NL-TOKEN-FAILED', whom } }] as const),
  ['token: destroys no key', { destroy: 'NL-TOKEN-FAILED' }],
  ['token: opens for no new process', { shut: true }],
  ['token: opens for no new process, and makes no key', { shut: true, generate: 'NL-TOKEN-POISONED' }],
  ['token: opens for no new process, and signs no CSR', { shut: true, sign: 'NL-TOKEN-POISONED' }],
  ['disk: takes nothing', { disk: 'nothing' }],
  ['disk: takes every second write', { disk: 'second' }],
  ['disk: slow', { disk: 'slow' }],
  ['hub: takes no twin report', { twin: true }],
  ['clock: jumps by 6 s each minute', { clock: 6_000 }],
]);

export const faultOf = (name: string): Faults =>
  FAULTS.get(name) ?? AZURE_FAULTS.get(name) ?? WIDER_FAULTS.get(name) ?? {};
