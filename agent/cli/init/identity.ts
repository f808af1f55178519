import { hostname } from 'node:os';
import { instanceOf } from '../../config/config.ts';
import { objectionTo } from '../../config/draft.ts';
import { areaOf, type Failure, Fault } from '../../failure/failure.ts';
import { isEndorsed } from '../../roll/leaf.ts';
import { askSetting } from './ask-setting.ts';
import { Back } from './dialogue.ts';
import type { Guide } from './guide.ts';
import type { Question } from './in-order.ts';
import { askCredentials, askProxy, ofProxy, setNetwork, WAY_FLAGS } from './network.ts';
import { type Blame, prove, untilProven } from './prove.ts';
import { SETTINGS } from './settings.ts';

export const IDENTITY_QUESTIONS: readonly Question[] = [
  (guide) => askSetting(guide, SETTINGS['id-scope']),
  askId,
  askEndpoint,
];

/** Portal and az show both on the same page. 0cn in China (an Azure Sphere client that serves both clouds). */
const LIKE_A_SCOPE = /^0(ne|cn)[0-9a-f]{8}$/i;

async function askId(guide: Guide): Promise<void> {
  const { answers, dialogue, leaf } = guide;
  const { name } = SETTINGS['registration-id'];
  const before = answers.get(name);
  for (;;) {
    await askSetting(guide, {
      ...SETTINGS['registration-id'],
      // No server gives another name to a leaf that is there: DPS would refuse it, and the session serve on under the old one.
      objection: (id) =>
        leaf === undefined || isEndorsed(leaf) || id === leaf.cn
          ? undefined
          : `must be ${leaf.cn}, the CN of the leaf that this gateway has. For another one, give the gateway up before: \`newleaf decommission\``,
      suggestion: registrationIdOf([hostname(), instanceOf(guide.file).name].filter(Boolean).join('-')),
    });
    const id = answers.text(name) ?? '';
    if (!LIKE_A_SCOPE.test(id)) return;
    const doubt = `The registration ID ${id} looks like an ID scope.`;
    if (!dialogue.asks) return dialogue.say(doubt);
    dialogue.say(doubt);
    if (await dialogue.confirm('Take it all the same?', false)) return;
    guide.forget('registration-id');
    answers.set(name, before === id ? undefined : before);
  }
}

async function askEndpoint(guide: Guide): Promise<void> {
  const { answers, dialogue, flag, leaf } = guide;
  const [host, authorities, password] = [HOST, CA_FILE, PROXY_PASSWORD].map((name) => answers.get(name));
  const isOfEnvironment = await setNetwork(guide);
  const hasWay = isOfEnvironment || WAY_FLAGS.some((name) => flag(name) !== undefined);
  const isGiven = hasWay || ['endpoint', 'trust-ca'].some((name) => flag(name) !== undefined);
  await askHost(guide);
  if (flag('trust-ca') !== undefined) await askTrust(guide);
  if (!dialogue.asks && !(leaf === undefined ? hasWay : isGiven)) return;
  const met = async () => {
    const { message, failure } = await prove(guide, ['dps-reach'], `Dialling ${answers.inEffect(HOST)}`);
    if (failure === undefined) dialogue.ok(message);
    const told = failure && ofProxy(answers, failure, dialogue.asks);
    if (told === undefined || dialogue.asks) return told;
    // A new gateway meets DPS with its first registration, which may wait for it. The options of the proxy are wrong now.
    if (leaf !== undefined || areaOf(told) === 'NETWORK') throw new Fault(told.code, told);
    return undefined;
  };
  const blame = ({ code }: Failure): Blame => {
    guide.forget('endpoint', 'trust-ca');
    if (code === 'NL-DPS-UNTRUSTED' || code === 'NL-CONFIG') {
      return { setting: [CA_FILE, authorities], offer: () => offerTrust(guide), again: [askHost] };
    }
    if (code === 'NL-NETWORK-PROXY') return { setting: [CA_FILE, answers.get(CA_FILE)], again: [orHost(askProxy)] };
    if (code !== 'NL-NETWORK-PROXY-AUTH') return { setting: [HOST, host], again: [askHost] };
    return { setting: [PROXY_PASSWORD, password], again: [orHost(askCredentials)] };
  };
  await untilProven(guide, met, blame);
}

async function offerTrust(guide: Guide): Promise<boolean> {
  const another = await guide.dialogue.confirmOrPath('Name another file with the CAs to trust?');
  if (another !== false) await askTrust(guide, another === true ? undefined : another);
  return another !== false;
}

/** `back` leads to the endpoint. */
const orHost =
  (ask: Question): Question =>
  (guide) =>
    ask(guide).catch((error: unknown) => {
      if (!(error instanceof Back)) throw error;
      return askHost(guide);
    });

const CA_FILE = SETTINGS['trust-ca'].name;
const HOST = SETTINGS.endpoint.name;
const PROXY_PASSWORD = SETTINGS['proxy-password-file'].name;

const askHost = (guide: Guide): Promise<void> => askSetting(guide, SETTINGS.endpoint);
const askTrust = (guide: Guide, typed?: string): Promise<void> => askSetting(guide, SETTINGS['trust-ca'], typed);

/** The host name as a registration ID, where it can be one. */
export function registrationIdOf(host: string): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || objectionTo('dps.registration_id', id) !== undefined ? undefined : id;
}
