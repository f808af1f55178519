import { closeSync, readFileSync } from 'node:fs';
import { TokenError } from '../../hsm/ckr.ts';
import type { Account } from './account.ts';
import type { Unit } from './unit.ts';

/** Facts that root looks up before a command goes on as another user. */
export interface Taken {
  readonly account: Account;
  readonly unit?: Unit | undefined;
  readonly pin?: string | undefined;
  /** Why the PIN cannot be read: a sentence. */
  readonly pinTrouble?: string | undefined;
}

/** The message to the process in which it goes on. */
export interface Handed extends Taken {
  /** Text of the configuration as root has read it: the daemon's user may be unable to. */
  readonly toml: string;
  /** How long the command may still work, in milliseconds; undefined where a person is at the screen. */
  readonly leftMs?: number | undefined;
}

/** A pipe: a secret in an environment, a command line or a file would be visible, or would outlive a kill -9. */
const FROM_ROOT = 3;

/** Takes the handed values, once. */
export function received(): Handed {
  const handed: Handed = JSON.parse(readFileSync(FROM_ROOT, 'utf8'));
  // Processes that this one starts must not inherit it.
  closeSync(FROM_ROOT);
  return handed;
}

/** @throws TokenError PIN_FILE as root has met it */
export async function pinIn({ pin, pinTrouble }: Taken): Promise<string | undefined> {
  if (pinTrouble !== undefined) throw new TokenError('pin-file', 'PIN_FILE', pinTrouble);
  return pin;
}
