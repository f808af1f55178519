import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { TokenError } from '../../hsm/ckr.ts';
import { readPin } from '../../hsm/pin.ts';

/** Only root may read it, and the unit hands it to the daemon (`LoadCredential=hsm-pin:/etc/newleaf/pin`). */
export const PIN_FILE = '/etc/newleaf/pin';

/** The daemon's copy, while its unit runs (systemd.exec(5), LoadCredential=). */
export const CREDENTIAL = '/run/credentials/newleaf.service/hsm-pin';

/** Instead of the file: sealed by `systemd-creds encrypt` (the unit: `ImportCredential=hsm-pin`). */
const SEALED = '/etc/credstore.encrypted/hsm-pin';

/** A TPM takes seconds. */
const TIME_LIMIT_MS = 30_000;

/**
 * The PIN from the unit's source, for root.
 * @returns undefined where root keeps none for the daemon
 * @throws TokenError PIN_FILE
 */
export async function keptPin(): Promise<string | undefined> {
  const place = [PIN_FILE, CREDENTIAL].find((path) => existsSync(path));
  return place === undefined ? sealedPin() : readPin({ file: place });
}

/** The PIN that only systemd can open. @throws TokenError PIN_FILE */
export async function sealedPin(): Promise<string | undefined> {
  if (!existsSync(SEALED)) return undefined;
  const args = ['decrypt', '--name=hsm-pin', SEALED, '-'];
  const opened = await promisify(execFile)('systemd-creds', args, { timeout: TIME_LIMIT_MS }).catch(
    (error: unknown) => {
      throw new TokenError('pin-file', 'PIN_FILE', `The sealed PIN ${SEALED} cannot be opened.`, error);
    },
  );
  const pin = opened.stdout.trim();
  if (pin !== '') return pin;
  throw new TokenError('pin-file', 'PIN_FILE', `The sealed PIN ${SEALED} is empty.`);
}
