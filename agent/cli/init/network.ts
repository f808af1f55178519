import { objectionTo } from '../../config/draft.ts';
import type { Failure } from '../../failure/failure.ts';
import { ask, askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import { SETTINGS, type SettingQuestion } from './settings.ts';

const USER = SETTINGS['proxy-user'];
const PASSWORD = SETTINGS['proxy-password-file'];
const PROXY = SETTINGS.proxy.name;

export const WAY_FLAGS = ['transport', 'proxy', USER.flag, PASSWORD.flag];

/** A host and a port without a scheme: curl takes them as http://host:port. */
const BARE = /^([\w.-]+|\[[\da-f:.]+\]):\d+\/?$/i;

/** The proxy of the environment, or in one line why it is not taken. The line shows nothing of it: it may hold a password. */
export function proposedProxy({ HTTPS_PROXY: written = '' }: NodeJS.ProcessEnv = process.env) {
  if (written === '') return {};
  const proxy = BARE.test(written) ? `http://${written}` : written;
  const wrong = objectionTo(PROXY, proxy);
  if (wrong === undefined) return { proxy };
  const instead = 'Name the proxy with --proxy';
  const refusal = written.includes('@')
    ? `It holds a user name or a password, and the configuration is no place for them. ${instead}, and those with --proxy-user and --proxy-password-file.`
    : `It ${wrong}. ${instead}, if there is one.`;
  return { refusal: `HTTPS_PROXY of the environment is not taken. ${refusal}` };
}

export const hasAnswer =
  (answers: Guide['answers']) =>
  (name: string): boolean => {
    const isProposed = name === PROXY && proposedProxy().proxy !== undefined;
    return isProposed || (answers.get(name) ?? '') !== '';
  };

/**
 * Transport and proxy by flag, and the proxy of the environment where none is configured. Nothing is asked but a missing half.
 * @returns whether the environment has named the proxy
 */
export async function setNetwork(guide: Guide): Promise<boolean> {
  const { answers, dialogue, flags } = guide;
  const isOpen = (flags.get('proxy') ?? answers.get(PROXY)) === undefined;
  const { proxy: proposed, refusal } = isOpen ? proposedProxy() : {};
  if (refusal !== undefined) dialogue.say(refusal);
  if (proposed !== undefined) dialogue.say(`The proxy ${proposed} is taken from HTTPS_PROXY.`);
  // Both were judged with all options.
  const given = { [SETTINGS.transport.name]: flags.get('transport'), [PROXY]: flags.get('proxy') ?? proposed };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) answers.set(name, value);
  await askHalves(guide);
  return proposed !== undefined;
}

/** A user name, a password and a proxy belong together: where one of the first two is there, the others are asked for. */
async function askHalves(guide: Guide): Promise<void> {
  const { answers, flags } = guide;
  const isGiven = (one: SettingQuestion) => flags.has(one.flag);
  const isThere = (one: SettingQuestion) => isGiven(one) || Boolean(answers.text(one.name));
  if (!isThere(USER) && !isThere(PASSWORD)) return;
  if (answers.text(PROXY) === undefined) await ask('proxy')(guide);
  for (const one of [USER, PASSWORD]) if (isGiven(one) || !isThere(one)) await askSetting(guide, one);
}

/**
 * A trouble with the proxy, whose settings the person has not seen yet: what to answer otherwise, or which option it is.
 * @param isAskedAgain the proxy is what the next question is about
 */
export function ofProxy(answers: Guide['answers'], met: Failure, isAskedAgain: boolean): Failure {
  const operator = 'the operator of the proxy';
  if (met.code === 'NL-NETWORK-PROXY') {
    const how = isAskedAgain ? 'Enter asks for the proxy again' : 'Name the right one with --proxy';
    return { ...met, advice: `${how}; if it is the right one, check the network, or ask ${operator}.` };
  }
  if (met.code !== 'NL-NETWORK-PROXY-AUTH') return met;
  const how = answers.text(USER.name) ? 'Correct' : 'Add';
  const asked = 'Enter asks for user name and password';
  const advice = isAskedAgain ? asked : `${how} --${USER.flag} and --${PASSWORD.flag}`;
  return { ...met, advice: `${advice}; ${operator} knows them.` };
}
