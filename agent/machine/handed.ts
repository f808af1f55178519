import { closeSync, readFileSync } from 'node:fs';
import { TokenError } from '../../hsm/ckr.ts';
import type { Account } from './account.ts';
import type { Unit } from './unit.ts';

/** What root looks up before a command goes on as another user. */
export interface Taken {
  readonly account: Account;
  readonly unit?: Unit | undefined;
  readonly pin?: string | undefined;
  /** Why the PIN cannot be read: a sentence. */
  readonly pinTrouble?: string | undefined;
}

/** What goes to the process in which it goes on. */
export interface Handed extends Taken {
  /** Text of the configuration as root has read it: the daemon's user may be kept from it. */
  readonly toml: string;
}

/** A pipe: no secret stands in an environment, in a command line, or in a file that would outlive a kill -9. */
const FROM_ROOT = 3;

/** Takes what root hands over, once. */
export function received(): Handed {
  const handed: Handed = JSON.parse(readFileSync(FROM_ROOT, 'utf8'));
  // What this process starts has nothing to do with it.
  closeSync(FROM_ROOT);
  return handed;
}

/** @throws TokenError PIN_FILE as root has met it */
export async function pinIn({ pin, pinTrouble }: Taken): Promise<string | undefined> {
  if (pinTrouble !== undefined) throw new TokenError('pin-file', 'PIN_FILE', pinTrouble);
  return pin;
}
