import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { instanceOf, x509Of } from '../../config/config.ts';
import type { Fault } from '../../failure/failure.ts';
import { readGiven } from '../../machine/given-file.ts';
import { sealedPin } from '../../machine/root-pin.ts';
import type { TokenLogin } from '../proof/place.ts';
import { noFile } from './ask-setting.ts';
import type { StagedPin } from './configuration.ts';
import { beside, noSecret, readSecret, writeFor } from './copies.ts';
import { type Guide, wrongFlag } from './guide.ts';

/**
 * Where the PIN is kept: in the file from which the unit takes it, which only root can read; where there is no such unit,
 * beside the configuration, for the caller of init. A file that the configuration names stays where it is.
 * @returns with the value of hsm.pin_file: undefined where the unit hands the PIN over
 */
export function pinPlace(guide: Guide): { readonly path: string; readonly setting: string | undefined } {
  const named = guide.answers.text('hsm.pin_file');
  const given = guide.flag('pin-file');
  const { pin } = instanceOf(guide.file);
  if (guide.account !== undefined && (named ?? pin) === pin) return { path: pin, setting: undefined };
  const path = named ?? (given === undefined || given === '-' ? beside(guide, 'pin') : resolve(given));
  return { path, setting: path };
}

/** The stored PIN, if any. @throws Fault; TokenError PIN_FILE for one that is sealed, and does not open */
export const storedPin = async (guide: Guide): Promise<string | undefined> =>
  guide.staged.pin?.pin ?? (await pinInUse(guide));

async function pinInUse(guide: Guide): Promise<string | undefined> {
  const { path, setting } = pinPlace(guide);
  return (await readSecret(path)) ?? (setting === undefined ? sealedPin(instanceOf(guide.file)) : undefined);
}

/** The chosen token, as the daemon opens it. @param pin the stored one by default */
export async function loginOf(guide: Guide, pin?: string): Promise<TokenLogin> {
  const { hsm, state } = x509Of(guide.answers.config);
  const { module, token, uri, tls } = hsm;
  return { module, token, uri, tls, pin: pin ?? (await storedPin(guide)) ?? '', notes: state.directory };
}

/**
 * The PIN that was kept for a token, and where, for the person. A run of init that was killed has left that of a new token beside
 * the one in use: a random one is nowhere else.
 * @param isInUse the configuration of the daemon names the token
 * @throws as `storedPin`
 */
export async function pinKeptFor(guide: Guide, label: string, isInUse: boolean) {
  const stage = stageOf(guide, label);
  const left = isInUse || guide.staged.isStored ? undefined : await readSecret(stage);
  const pin = left ?? (await storedPin(guide));
  const place = left === undefined ? pinPlace(guide).path : stage;
  if (pin === undefined) return undefined;
  return { pin, words: existsSync(place) ? `the one in ${place}` : 'the one that is sealed' };
}

/**
 * Stores the PIN, and sets hsm.pin_file to its place. Where another PIN is in use, that one stays until the token does.
 */
export async function storePin(guide: Guide, label: string, pin: string): Promise<void> {
  const { path, setting } = pinPlace(guide);
  const inUse = await pinInUse(guide);
  const isOther = inUse !== undefined && inUse !== pin;
  const stage = stageOf(guide, label);
  if (isOther) await writeFor('daemon', guide, stage, `${pin}\n`);
  else if (inUse === undefined) await writeFor(readerOf(setting), guide, path, `${pin}\n`);
  guide.staged.pin = isOther ? { pin, path: stage } : undefined;
  guide.staged.isStored = true;
  guide.answers.set('hsm.pin_file', setting);
}

/** The daemon opens a file itself; for a credential of the unit, systemd does. */
const readerOf = (setting: string | undefined) => (setting === undefined ? 'caller' : 'daemon');

/** Each token has its own: a wrong PIN costs a try. */
const stageOf = (guide: Guide, label: string): string => beside(guide, `pin-${encodeURIComponent(label)}.new`);

/** How the configuration comes to another PIN: undefined where that stays. */
export function stagedPin(guide: Guide): StagedPin | undefined {
  if (guide.staged.pin === undefined) return undefined;
  const { pin, path: stage } = guide.staged.pin;
  return {
    path: stage,
    async replace() {
      const { path, setting } = pinPlace(guide);
      // It may be the only copy of another token's PIN. A sealed one stays sealed.
      const written = await readSecret(path);
      if (written !== undefined) await writeFor('caller', guide, `${path}.bak`, `${written}\n`);
      await writeFor(readerOf(setting), guide, path, `${pin}\n`);
    },
  };
}

/** The PIN of `--pin-file`; `-` is stdin. Or that of the program that was here before. @throws Fault NL-CONFIG */
export async function givenPin(guide: Guide): Promise<string | undefined> {
  const given = guide.flag('pin-file');
  if (given === undefined) return guide.adopted?.pin;
  const place = given === '-' ? 'stdin' : resolve(given);
  const text = given === '-' ? await guide.stdin() : pinFileAt(place);
  // A token counts a wrong PIN: what cannot be one is not tried.
  const reason = noSecret(text);
  if (reason !== undefined) throw wrongPinFile(`${place} ${reason}`);
  return text.trim();
}

const wrongPinFile = (why: string): Fault =>
  wrongFlag('pin-file', `must be a file with the PIN, or - where it comes on stdin: ${why}`);

function pinFileAt(place: string): string {
  const wrong = noFile(place);
  if (wrong !== undefined) throw wrongFlag('pin-file', wrong);
  try {
    return readGiven(place).toString();
  } catch (error) {
    throw wrongPinFile(String(error));
  }
}
