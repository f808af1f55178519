import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import type { HubName, ServerName } from '../simulator/log.ts';

/** A fault of the far side that stays for a while, or for a number of times. */
export interface Spell {
  readonly on: ServerName;
  readonly fault: FaultName;
  readonly options?: FaultOptions;
}

const OF_A_HUB: readonly Omit<Spell, 'on'>[] = [
  { fault: 'port-closed' },
  { fault: 'reset' },
  { fault: 'silent' },
  { fault: 'slow-tls', options: { ms: 3_000 } },
  { fault: 'untrusted-server' },
  { fault: 'wrong-host' },
  { fault: 'tls-alert', options: { code: 48 } },
  { fault: 'tls-refuses-client' },
  { fault: 'close-before-connack' },
  { fault: 'no-connack' },
  ...[1, 3].map((code) => ({ fault: 'connack', options: { code } }) as const),
  ...[2, 4, 5].map((code) => ({ fault: 'connack', options: { code, times: 3 } }) as const),
  { fault: 'delay-connack', options: { ms: 2_000 } },
  { fault: 'accept-then-close', options: { ms: 300 } },
  { fault: 'idle-drop', options: { ms: 3_000 } },
  { fault: 'no-puback' },
  { fault: 'no-suback' },
  { fault: 'no-pingresp' },
  { fault: 'no-twin' },
  { fault: 'delay-twin', options: { ms: 3_000 } },
  { fault: 'twin-status', options: { status: 429 } },
  { fault: 'close-on-publish' },
  { fault: 'quota-used' },
  { fault: 'drop-puback', options: { times: 20 } },
  { fault: 'puback-delay', options: { ms: 700 } },
  { fault: 'throttle', options: { rate: 10, ms: 5_000 } },
];

/** Refusals act once or twice: a gateway that is stranded asks once an hour, and teaches nothing in between. */
const OF_DPS: readonly Omit<Spell, 'on'>[] = [
  { fault: 'port-closed' },
  { fault: 'silent' },
  { fault: 'untrusted-server' },
  { fault: 'connack', options: { code: 5, times: 1 } },
  { fault: 'register-status', options: { status: 429, retryAfter: '5', times: 2 } },
  { fault: 'register-status', options: { status: 503, times: 2 } },
  { fault: 'register-status', options: { status: 401, code: 401_002, times: 1 } },
  { fault: 'poll-status', options: { status: 500, times: 2 } },
  { fault: 'retry-after', options: { retryAfter: '3', times: 3 } },
  ...(
    [
      'empty-body',
      'not-json',
      'no-status',
      'drop-before',
      'drop-after',
      'no-answer',
      'drop-on-poll',
      'allocation-failed',
    ] as const
  ).map((fault) => ({ fault, options: { times: 1 } })),
  { fault: 'slow-assignment', options: { ms: 5_000 } },
];

const OF_EST: readonly Omit<Spell, 'on'>[] = [
  { fault: 'port-closed' },
  { fault: 'silent' },
  { fault: 'est-wait', options: { retryAfter: '2', times: 2 } },
  ...[401, 403, 429, 503].map((status) => ({ fault: 'est-status', options: { status, times: 1 } }) as const),
  { fault: 'est-cn', options: { cn: 'another', times: 1 } },
  ...(['est-garbage', 'est-hang', 'est-eku', 'est-weak', 'est-key'] as const).map((fault) => ({
    fault,
    options: { times: 1 },
  })),
];

export const HUBS: readonly HubName[] = ['hub1', 'hub2'];

export const SPELLS: readonly Spell[] = [
  ...HUBS.flatMap((on) => OF_A_HUB.map((spell) => ({ on, ...spell }))),
  ...OF_DPS.map((spell) => ({ on: 'dps' as const, ...spell })),
  ...OF_EST.map((spell) => ({ on: 'est' as const, ...spell })),
];
