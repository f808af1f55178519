import { hostname } from 'node:os';
import { instanceOf } from '../../config/config.ts';
import { objectionTo } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { isEndorsed } from '../../roll/leaf.ts';
import { isTakenAllTheSame } from './all-the-same.ts';
import { askSetting } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import type { Question } from './in-order.ts';
import { askCredentials, askProxy, setNetwork, WAY_FLAGS } from './network.ts';
import { Back } from './prompt.ts';
import { demandDps, reachDps } from './reach-dps.ts';
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
  const { answers, dialogue, flag } = guide;
  const password = answers.get(SETTINGS['proxy-password-file'].name);
  const isOfEnvironment = await setNetwork(guide);
  const hasWay = isOfEnvironment || WAY_FLAGS.some((name) => flag(name) !== undefined);
  const isGiven = hasWay || ['endpoint', 'trust-ca'].some((name) => flag(name) !== undefined);
  let ask: typeof askHost | undefined = askHost;
  while (ask !== undefined) {
    const before = dialogue.questions;
    const host = answers.get(HOST);
    try {
      await ask(guide);
      const authorities = answers.get(CA_FILE);
      if (flag('trust-ca') !== undefined) await askTrust(guide);
      if (!dialogue.asks) {
        if (guide.leaf === undefined ? hasWay : isGiven) await demandDps(guide);
        return;
      }
      ask = await toAskAgain(guide, { host, authorities, password });
    } catch (error) {
      const isFirst = ask === askHost && dialogue.questions === before + 1;
      if (!(error instanceof Back) || isFirst) throw error;
      ask = askHost;
    }
  }
}

/**
 * What must be answered otherwise; undefined where DPS is reached, or the person goes on all the same.
 * @param stood the endpoint, the file of CAs and the proxy's password before the answer
 */
async function toAskAgain(
  guide: Guide,
  stood: Readonly<Record<'host' | 'authorities' | 'password', Written | undefined>>,
) {
  const { answers, dialogue } = guide;
  const { host, authorities, password } = stood;
  const found = await reachDps(guide);
  guide.forget('endpoint', 'trust-ca');
  if (found === 'trusted') return undefined;
  const failed = answers.get(CA_FILE);
  if (found === 'untrusted') {
    answers.set(CA_FILE, authorities);
    const another = await dialogue.confirmOrPath('Name another file with the CAs to trust?');
    if (another !== false) {
      await askTrust(guide, another === true ? undefined : another);
      if ((await reachDps(guide)) === 'trusted') return undefined;
    } else answers.set(CA_FILE, failed);
  }
  const before = {
    untrusted: [CA_FILE, authorities],
    credentials: [SETTINGS['proxy-password-file'].name, password],
    proxy: [CA_FILE, failed],
    unreached: [HOST, host],
  } as const;
  if (await isTakenAllTheSame(guide, before[found])) return undefined;
  return found === 'proxy' ? askProxy : found === 'credentials' ? askCredentials : askHost;
}

const CA_FILE = SETTINGS['trust-ca'].name;
const HOST = SETTINGS.endpoint.name;

const askHost = (guide: Guide): Promise<void> => askSetting(guide, SETTINGS.endpoint);
const askTrust = (guide: Guide, typed?: string): Promise<void> => askSetting(guide, SETTINGS['trust-ca'], typed);

/** The host name as a registration ID, where it can be one. */
export function registrationIdOf(host: string): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || objectionTo('dps.registration_id', id) !== undefined ? undefined : id;
}
