import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SeenToken } from '../../../hsm/slots.ts';
import { instanceOf, x509Of } from '../../config/config.ts';
import { Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { isContained } from '../../machine/contained.ts';
import { noFile, readGiven } from '../../machine/given-file.ts';
import { noSecret } from '../../machine/named-file.ts';
import { sealedPin } from '../../machine/root-pin.ts';
import type { TokenLogin } from '../proof/place.ts';
import type { Shown } from '../proof/survey.ts';
import { isTokenOf } from '../proof/token-words.ts';
import { beside, readSecret, writeFor } from './copies.ts';
import { type Guide, misconfigured, wrongFlag } from './guide.ts';

/**
 * Finds the PIN of the token, proves it with one login, and stores it for the daemon. A stored PIN may be that of another
 * token, and is not tried unasked.
 * @param isOurs the token is the configured one, or was made just now: the stored PIN belongs to it
 * @returns false where the person should choose another token
 * @throws Fault where there is no terminal; Interrupted
 */
export async function askPin(guide: Guide, shown: Shown, isOurs: boolean): Promise<boolean> {
  const { answers, before, dialogue, flags } = guide;
  const { token } = shown;
  if (token.isFinalTry) {
    const message = `One wrong PIN more, and the PIN of token "${token.label}" is locked: newleaf does not try any.`;
    const advice = 'Log in with the tool of the vendor and the right PIN once, then run `newleaf init` again.';
    dialogue.meet(new Fault('NL-TOKEN-PIN', { message, advice }));
    return false;
  }
  const isLast = !dialogue.asks;
  const given = await givenPin(guide);
  const from = flags.has('pin-file') ? 'the one in --pin-file' : 'the one of aziot-identity-service';
  if (given !== undefined) return isAccepted(guide, token, given, from, true);
  if (!token.needsLogin) return isAccepted(guide, token, NONE, '', isLast);
  const isInUse = before !== undefined && !('tpm' in before) && isTokenOf(shown, before.hsm);
  const kept = await pinKeptFor(guide, token.label, isInUse);
  const isMeant = isOurs || isLast;
  if (kept && isMeant && (await isAccepted(guide, token, kept.pin, kept.words, isLast))) return true;
  if (isLast && flags.has('new-token')) throw unknownPin(token.label);
  if (isLast) {
    answers.miss('pin-file');
    answers.demandAll();
  }
  const offered = isMeant ? undefined : kept;
  const enter = offered?.words ?? 'choose another token';
  const typed = await dialogue.secret(`PIN of token "${token.label}" (not shown; Enter: ${enter})`);
  const pin = typed || offered?.pin;
  return pin !== undefined && isAccepted(guide, token, pin, 'which is kept', false);
}

/** For a token without login: the PIN must not be empty, and the token does not check it. */
const NONE = 'none';

/** @param isLast no other PIN can be tried */
async function isAccepted(guide: Guide, { label, needsLogin }: SeenToken, pin: string, words: string, isLast: boolean) {
  const { dialogue, errand, flags } = guide;
  try {
    await errand('login', await loginOf(guide, pin));
  } catch (error) {
    const met = failureOf(error);
    const isPin = met.code === 'NL-TOKEN-PIN';
    if (isLast) throw isPin && flags.has('pin-file') ? new Fault(met.code, { ...met, advice: OTHER_FILE }) : error;
    dialogue.wrong(isPin ? { ...met, advice: TRIED } : met);
    return false;
  }
  await storePin(guide, label, pin);
  dialogue.ok(`Token "${label}" ${needsLogin ? `accepts the PIN (${words})` : 'opens'}.`);
  return true;
}

const SURE = 'A token locks itself after some wrong ones: be sure of the next.';
const OTHER_FILE = `Name a file with the right PIN: --pin-file FILE. ${SURE}`;
const TRIED = `This PIN was tried once, and is not tried again. ${SURE}`;

/** `--new-token` takes one that was made before, as long as its PIN is known. */
const unknownPin = (label: string): Fault =>
  misconfigured(
    `There is a token "${label}" already, and its PIN is not known.`,
    'Give its PIN: --pin-file FILE; or the new token another name: --token NAME',
  );

/**
 * Where the PIN is kept: in the file from which the unit takes it, which only root can read; where there is no such unit,
 * beside the configuration, for the daemon (or the caller of an experiment). A file that the configuration names stays where it is.
 * @returns with the value of hsm.pin_file: undefined where the unit hands the PIN over
 */
export function pinPlace(guide: Guide): { readonly path: string; readonly setting: string | undefined } {
  const { account, answers, env, file, flags } = guide;
  const named = answers.text('hsm.pin_file');
  const given = flags.get('pin-file');
  const { pin: unitPin } = instanceOf(file);
  const isHandedOver = account !== undefined && !isContained(env);
  if (isHandedOver && (named ?? unitPin) === unitPin) return { path: unitPin, setting: undefined };
  const path = named ?? (given === undefined || given === '-' ? beside(guide, 'pin') : resolve(given));
  return { path, setting: path };
}

/** The stored PIN, if any. @throws Fault; TokenError PIN_FILE for one that is sealed, and does not open */
export const storedPin = async (guide: Guide): Promise<string | undefined> =>
  guide.staged.pin?.pin ?? (await pinInUse(guide));

async function pinInUse(guide: Guide): Promise<string | undefined> {
  const { path, setting } = pinPlace(guide);
  return (await readSecret(path, guide.env)) ?? (setting === undefined ? sealedPin(instanceOf(guide.file)) : undefined);
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
  const left = isInUse || guide.staged.isStored ? undefined : await readSecret(stage, guide.env);
  if (left !== undefined) return { pin: left, words: `the one in ${stage}` };
  const pin = await storedPin(guide);
  if (pin === undefined) return undefined;
  const { path } = pinPlace(guide);
  return { pin, words: existsSync(path) ? `the one in ${path}` : 'the one that is sealed' };
}

/** Stores the PIN, and sets hsm.pin_file to its place. Where another PIN is in use, that one stays until the token does. */
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

/** How the configuration comes to another PIN, whose file the daemon can read: undefined where that stays. */
export function stagedPin(guide: Guide) {
  if (guide.staged.pin === undefined) return undefined;
  const { pin, path: stage } = guide.staged.pin;
  return {
    path: stage,
    async replace() {
      const { path, setting } = pinPlace(guide);
      // It may be the only copy of another token's PIN. A sealed one stays sealed.
      const written = await readSecret(path, guide.env);
      if (written !== undefined) await writeFor('caller', guide, `${path}.bak`, `${written}\n`);
      await writeFor(readerOf(setting), guide, path, `${pin}\n`);
    },
  };
}

/** The PIN of `--pin-file`; `-` is stdin. Or that of the program that was here before. @throws Fault NL-CONFIG */
export async function givenPin(guide: Guide): Promise<string | undefined> {
  const given = guide.flags.get('pin-file');
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
