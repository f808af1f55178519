import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { instanceOf } from '../../config/config.ts';
import { sealedPin } from '../../machine/root-pin.ts';
import { type Guide, wrongFlag } from './guide.ts';
import { beside, readSecret, writeSecret } from './secret.ts';

/**
 * Where the PIN is kept: in the file from which the unit takes it, which only root can read; where there is no such unit,
 * beside the configuration, for the caller of init. A file that the configuration names stays where it is.
 * @returns with the value of hsm.pin_file: undefined where the unit hands the PIN over
 */
export function pinPlace(guide: Guide): { readonly path: string; readonly setting: string | undefined } {
  const named = guide.answers.text('hsm.pin_file');
  const given = guide.flag('pin-file');
  const isUnit = guide.account !== undefined;
  const { pin } = instanceOf(guide.file);
  if (isUnit && (named === undefined || named === pin)) return { path: pin, setting: undefined };
  const path = named ?? (given === undefined || given === '-' ? beside(guide, 'pin') : resolve(given));
  return { path, setting: path };
}

/** The stored PIN, if any. @throws Fault; TokenError PIN_FILE for one that is sealed, and does not open */
export async function storedPin(guide: Guide): Promise<string | undefined> {
  const { path, setting } = pinPlace(guide);
  return (await readSecret(path)) ?? (setting === undefined ? sealedPin(instanceOf(guide.file)) : undefined);
}

export function storedInWords(guide: Guide): string {
  const { path } = pinPlace(guide);
  return existsSync(path) ? `the one in ${path}` : 'the one that is sealed';
}

/** Stores the PIN, and sets hsm.pin_file to its place. */
export async function storePin(guide: Guide, pin: string): Promise<void> {
  const { path, setting } = pinPlace(guide);
  const before = await storedPin(guide);
  if (before !== pin) {
    // It may be the only copy of another token's PIN. A sealed one stays sealed.
    const written = await readSecret(path);
    if (written !== undefined) await writeSecret(guide, `${path}.bak`, written, 'caller');
    // The daemon opens a file itself; for a credential of the unit, systemd does.
    await writeSecret(guide, path, pin, setting === undefined ? 'caller' : 'daemon');
  }
  guide.answers.set('hsm.pin_file', setting);
}

/** The PIN of `--pin-file`; `-` is stdin. Or that of the program that was here before. @throws Fault NL-CONFIG */
export async function givenPin(guide: Guide): Promise<string | undefined> {
  const given = guide.flag('pin-file');
  if (given === undefined) return guide.adopted?.pin;
  const pin = given === '-' ? (await guide.stdin()).trim() : await readSecret(resolve(given));
  if (pin !== undefined && pin !== '') return pin;
  const place = given === '-' ? 'stdin' : resolve(given);
  throw wrongFlag('pin-file', `must be a file with the PIN, or - where it comes on stdin: there is none in ${place}`);
}
