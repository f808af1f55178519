import { type Failure, failure } from '../failure/failure.ts';
import { minute } from '../failure/minute.ts';
import type { RollEffect } from '../roll/state.ts';

/** A step that lasts so long, in milliseconds, is told: most end within seconds, and nothing else says which one hangs. */
export const SLOW_MS = 2 * 60_000;

const WORDS: Readonly<Record<RollEffect['kind'], string>> = {
  'generate-key': 'Making the next key in the token',
  'request-leaf': 'Getting the next leaf (CSR and issuer)',
  register: 'Registering with DPS',
  connect: 'Connecting to the hub',
  'destroy-key': 'Destroying a key in the token',
};

/** @param since wall clock, milliseconds */
export const slowStep = (kind: RollEffect['kind'], since: number): Failure =>
  failure('NL-BUSY-LONG', { message: `${WORDS[kind]} has not ended since ${minute(since)}.` });
