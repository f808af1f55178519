import { Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { existing } from './configuration.ts';
import { type Guide, misconfigured } from './guide.ts';
import { givenPin, loginOf, pinKeptFor, storePin } from './pin-place.ts';
import { isTokenOf, type Shown } from './survey.ts';

/**
 * Finds the PIN of the token, proves it with one login, and stores it for the daemon. A stored PIN may be that of another
 * token, and is not tried unasked.
 * @param isOurs the token is the configured one, or was made just now: the stored PIN belongs to it
 * @returns false where the person should choose another token
 * @throws Fault where there is no terminal; Interrupted
 */
export async function askPin(guide: Guide, shown: Shown, isOurs: boolean): Promise<boolean> {
  const { dialogue } = guide;
  const { token } = shown;
  if (token.isFinalTry) {
    const message = `One wrong PIN more, and the PIN of token "${token.label}" is locked: newleaf does not try any.`;
    const advice = 'Log in with the tool of the vendor and the right PIN once, then run `newleaf init` again.';
    dialogue.meet(new Fault('NL-TOKEN-PIN', { message, advice }));
    return false;
  }
  const given = await givenPin(guide);
  const from = guide.flag('pin-file') === undefined ? 'the one of aziot-identity-service' : 'the one in --pin-file';
  if (given !== undefined) return isAccepted(guide, shown, given, from, true);
  if (!token.needsLogin) return isAccepted(guide, shown, NONE, '', !dialogue.asks);
  const kept = await pinKeptFor(guide, token.label, isInUse(guide, shown));
  const isMeant = isOurs || !dialogue.asks;
  if (kept && isMeant && (await isAccepted(guide, shown, kept.pin, kept.words, !dialogue.asks))) return true;
  if (!dialogue.asks) {
    if (guide.flag('new-token') !== undefined) throw unknownPin(token.label);
    guide.answers.miss('pin-file');
    guide.answers.demandAll();
  }
  const offered = isMeant ? undefined : kept;
  const enter = offered?.words ?? 'choose another token';
  const typed = await dialogue.secret(`PIN of token "${token.label}" (not shown; Enter: ${enter})`);
  const pin = typed || offered?.pin;
  return pin !== undefined && isAccepted(guide, shown, pin, 'which is kept', false);
}

/** The daemon uses this token, by the configuration that stands: the PIN in use is that of this one. */
function isInUse({ file }: Guide, shown: Shown): boolean {
  const { config } = existing(file, false);
  return config !== undefined && !('tpm' in config) && isTokenOf(shown, config.hsm);
}

/** For a token without login: the PIN must not be empty, and the token does not check it. */
const NONE = 'none';

async function isAccepted(guide: Guide, { token }: Shown, pin: string, words: string, isLast: boolean) {
  const { dialogue, errands } = guide;
  try {
    await errands.login(await loginOf(guide, pin));
  } catch (error) {
    const failure = failureOf(error);
    if (isLast) {
      const isGiven = failure.code === 'NL-TOKEN-PIN' && guide.flag('pin-file') !== undefined;
      throw isGiven ? new Fault(failure.code, { ...failure, advice: OTHER_FILE }) : error;
    }
    dialogue.wrong(failure.code === 'NL-TOKEN-PIN' ? { ...failure, advice: TRIED } : failure);
    return false;
  }
  await storePin(guide, token.label, pin);
  dialogue.ok(`Token "${token.label}" ${token.needsLogin ? `accepts the PIN (${words})` : 'opens'}.`);
  return true;
}

const OTHER_FILE =
  'Name a file with the right PIN: --pin-file FILE. A token locks itself after some wrong ones: be sure of the next.';

/** `--new-token` takes one that was made before, as long as its PIN is known. */
const unknownPin = (label: string): Fault =>
  misconfigured(
    `There is a token "${label}" already, and its PIN is not known.`,
    'Give its PIN: --pin-file FILE; or the new token another name: --token NAME',
  );

const TRIED =
  'This PIN was tried once, and is not tried again. A token locks itself after some wrong ones: be sure of the next.';
