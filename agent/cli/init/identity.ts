import { objectionTo } from '../../config/draft.ts';
import { areaOf } from '../../failure/failure.ts';
import { ask, askSetting } from './ask-setting.ts';
import { onBack, YES_OR_NO } from './dialogue.ts';
import type { Guide, Question } from './guide.ts';
import { type Blame, prove, untilProven } from './prove.ts';
import { type Option, SETTINGS, type SettingQuestion } from './settings.ts';

/** Which gateway it is, and its way to DPS. */
export const IDENTITY_QUESTIONS: readonly Question[] = [ask('id-scope'), ask('registration-id'), askEndpoint];

const WAY = ['transport', 'proxy', 'proxy-user', 'proxy-password-file'] as const;

/** A host and a port without a scheme: curl takes them as http://host:port. */
const BARE = /^([\w.-]+|\[[\da-f:.]+\]):\d+\/?$/i;

/**
 * Takes the proxy of the environment where none is named, or says in one line why not. The line shows nothing of it: it may hold
 * a password.
 */
export function proposeProxy(
  { answers, dialogue, flags }: Pick<Guide, 'answers' | 'dialogue' | 'flags'>,
  { HTTPS_PROXY: written = '' }: NodeJS.ProcessEnv,
): void {
  const { flag, name } = SETTINGS.proxy;
  if (written === '' || flags.has(flag) || answers.has(name)) return;
  const proxy = BARE.test(written) ? `http://${written}` : written;
  const wrong = objectionTo(name, proxy);
  if (wrong === undefined) {
    flags.set(flag, proxy);
    dialogue.say(`The proxy ${proxy} is taken from HTTPS_PROXY.`);
    return;
  }
  const instead = 'Name the proxy with --proxy';
  const refusal = written.includes('@')
    ? `It holds a user name or a password, and the configuration is no place for them. ${instead}, and those with --proxy-user and --proxy-password-file.`
    : `It ${wrong}. ${instead}, if there is one.`;
  dialogue.say(`HTTPS_PROXY of the environment is not taken. ${refusal}`);
}

/**
 * Transport and proxy by flag; nothing is asked but a missing half. A user name, a password and a proxy belong together: where
 * one of the first two is there, the others are asked for.
 */
export async function setNetwork(guide: Guide): Promise<void> {
  const { answers, flags } = guide;
  const isGiven = ({ flag }: SettingQuestion) => flags.has(flag);
  const isThere = (one: SettingQuestion) => isGiven(one) || Boolean(answers.text(one.name));
  for (const one of [SETTINGS.transport, SETTINGS.proxy]) if (isGiven(one)) await askSetting(guide, one);
  const login = [SETTINGS['proxy-user'], SETTINGS['proxy-password-file']];
  if (!login.some(isThere)) return;
  if (answers.text(SETTINGS.proxy.name) === undefined) await ask('proxy')(guide);
  for (const one of login) if (isGiven(one) || !isThere(one)) await askSetting(guide, one);
}

async function askEndpoint(guide: Guide): Promise<void> {
  const { answers, dialogue, flags, leaf } = guide;
  await setNetwork(guide);
  await askHost(guide);
  if (flags.has('trust-ca')) await askTrust(guide);
  const isNew = flags.hasAny(...WAY) || (leaf !== undefined && flags.hasAny('endpoint', 'trust-ca'));
  if (!dialogue.asks && !isNew) return;
  const met = async () => {
    const { message, failure } = await prove(guide, ['dps-reach'], `Dialling ${answers.inEffect(HOST)}`);
    if (failure === undefined) dialogue.ok(message);
    // A new gateway meets DPS with its first registration, which may wait for it. The options of the proxy are wrong now.
    const isPatient = !dialogue.asks && leaf === undefined && failure !== undefined && areaOf(failure) !== 'NETWORK';
    return isPatient ? undefined : failure;
  };
  await untilProven(guide, ['endpoint', 'trust-ca'], met, ({ code }): Blame => {
    if (code === 'NL-DPS-UNTRUSTED' || code === 'NL-CONFIG')
      return { setting: SETTINGS['trust-ca'].name, offer: () => offerTrust(guide), again: [askHost] };
    if (code === 'NL-NETWORK-PROXY') return { again: [orHost('proxy')] };
    if (code !== 'NL-NETWORK-PROXY-AUTH') return { setting: HOST, again: [askHost] };
    return { setting: SETTINGS['proxy-password-file'].name, again: [orHost('proxy-user', 'proxy-password-file')] };
  });
}

/** Yes, no, or at once the path that is asked for after a yes. */
async function offerTrust(guide: Guide): Promise<boolean> {
  const wrong = 'must be yes or no, or the path of the file';
  const objection = (typed: string) => (YES_OR_NO.test(typed) || typed.includes('/') ? undefined : wrong);
  const typed = await guide.dialogue.text('Name another file with the CAs to trust?', 'yes', objection);
  if (/^no?$/i.test(typed)) return false;
  await askTrust(guide, typed.includes('/') ? typed : undefined);
  return true;
}

/** Asks the person, whose `back` leads to the endpoint. */
const orHost =
  (...options: readonly Option[]): Question =>
  async (guide) => {
    guide.flags.forget(...options);
    await ask(...options)(guide).catch(onBack(() => askHost(guide)));
  };

const HOST = SETTINGS.endpoint.name;

const askHost = ask('endpoint');
const askTrust = (guide: Guide, typed?: string) => askSetting(guide, SETTINGS['trust-ca'], typed);
