import { areaOf, Fault } from '../../failure/failure.ts';
import { ask, askSetting } from './ask-setting.ts';
import { onBack, YES_OR_NO } from './dialogue.ts';
import type { Guide, Question } from './guide.ts';
import { setNetwork, WAY_FLAGS } from './network.ts';
import { type Blame, prove, untilProven } from './prove.ts';
import { type Option, SETTINGS } from './settings.ts';

export const IDENTITY_QUESTIONS: readonly Question[] = [ask('id-scope'), ask('registration-id'), askEndpoint];

async function askEndpoint(guide: Guide): Promise<void> {
  const { answers, dialogue, flags, leaf } = guide;
  const hasWay = (await setNetwork(guide)) || flags.hasAny(...WAY_FLAGS);
  await askHost(guide);
  if (flags.has('trust-ca')) await askTrust(guide);
  const isNew = hasWay || (leaf !== undefined && flags.hasAny('endpoint', 'trust-ca'));
  if (!dialogue.asks && !isNew) return;
  const met = async () => {
    const { message, failure } = await prove(guide, ['dps-reach'], `Dialling ${answers.inEffect(HOST)}`);
    if (failure === undefined) dialogue.ok(message);
    if (failure === undefined || dialogue.asks) return failure;
    // A new gateway meets DPS with its first registration, which may wait for it. The options of the proxy are wrong now.
    if (leaf !== undefined || areaOf(failure) === 'NETWORK') throw new Fault(failure.code, failure);
    return undefined;
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
