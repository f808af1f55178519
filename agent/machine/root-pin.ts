import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { TokenError } from '../../hsm/ckr.ts';
import { readPin } from '../../hsm/pin.ts';
import type { Instance } from '../config/instance.ts';

/** A TPM takes seconds. */
const TIME_LIMIT_MS = 30_000;

/**
 * The PIN from the unit's source, for root.
 * @returns undefined where root keeps none for the daemon
 * @throws TokenError PIN_FILE
 */
export async function keptPin(instance: Instance): Promise<string | undefined> {
  const place = [instance.pin, instance.credential].find((path) => existsSync(path));
  return place === undefined ? sealedPin(instance) : readPin({ file: place });
}

/** The PIN that only systemd can open. @throws TokenError PIN_FILE */
export async function sealedPin({ sealed }: Pick<Instance, 'sealed'>): Promise<string | undefined> {
  if (!existsSync(sealed)) return undefined;
  const args = ['decrypt', '--name=hsm-pin', sealed, '-'];
  const opened = await promisify(execFile)('systemd-creds', args, { timeout: TIME_LIMIT_MS }).catch(
    (error: unknown) => {
      throw new TokenError('pin-file', 'PIN_FILE', `The sealed PIN ${sealed} cannot be opened.`, error);
    },
  );
  const pin = opened.stdout.trim();
  if (pin !== '') return pin;
  throw new TokenError('pin-file', 'PIN_FILE', `The sealed PIN ${sealed} is empty.`);
}
