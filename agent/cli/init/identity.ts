import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { instanceOf } from '../../config/config.ts';
import { objectionTo } from '../../config/draft.ts';
import { type Code, Fault } from '../../failure/failure.ts';
import { type NetworkSettings, networkOf } from '../../network/network.ts';
import { type Dialled, dial, Unreached } from '../checks/dial.ts';
import { adviceFor, distrusted } from '../checks/reach.ts';
import { isTakenAllTheSame } from './all-the-same.ts';
import { askSetting, noCertificate } from './ask-setting.ts';
import { originOf } from './copies.ts';
import { type Guide, wrongFlag } from './guide.ts';
import type { Question } from './in-order.ts';
import { Back } from './prompt.ts';

export const ID_SCOPE = {
  name: 'dps.id_scope',
  flag: 'id-scope',
  words: 'ID scope',
  hint: 'Azure portal: DPS instance, Overview',
};

export const IDENTITY_QUESTIONS: readonly Question[] = [(guide) => askSetting(guide, ID_SCOPE), askId, askEndpoint];

/** Portal and az show both on the same page. */
const LIKE_A_SCOPE = /^0ne[0-9a-f]{8}$/i;

async function askId(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  const name = 'dps.registration_id';
  const before = answers.get(name);
  for (;;) {
    await askSetting(guide, {
      name,
      flag: 'registration-id',
      words: 'Registration ID, which is the CN of every leaf',
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
  const { dialogue, flag } = guide;
  const isGiven = ['endpoint', 'trust-ca', 'transport', 'proxy'].some((name) => flag(name) !== undefined);
  setNetwork(guide);
  for (;;) {
    const before = dialogue.questions;
    try {
      if (await isReached(guide, isGiven)) return;
    } catch (error) {
      const isFirst = dialogue.questions === before + 1;
      if (!(error instanceof Back) || isFirst) throw error;
    }
  }
}

async function isReached(guide: Guide, isGiven: boolean): Promise<boolean> {
  const { answers, dialogue, flag, leaf } = guide;
  await askSetting(guide, { name: 'dps.endpoint', flag: 'endpoint', words: 'DPS endpoint' });
  const before = answers.get(CA_FILE);
  if (flag('trust-ca') !== undefined) await askTrust(guide);
  // In a script, a new gateway meets it with its first registration.
  if (!dialogue.asks && (leaf === undefined || !isGiven)) return true;
  const found = await reachDps(guide);
  guide.forget('endpoint', 'trust-ca');
  if (found === 'trusted') return true;
  if (found === 'unreached') return isTakenAllTheSame(guide, [CA_FILE, answers.get(CA_FILE)]);
  const failed = answers.get(CA_FILE);
  answers.set(CA_FILE, before);
  if (await dialogue.confirm('Name another file with the CAs to trust?', true)) {
    await askTrust(guide);
    if ((await reachDps(guide)) === 'trusted') return true;
  } else answers.set(CA_FILE, failed);
  return isTakenAllTheSame(guide, [CA_FILE, before]);
}

const CA_FILE = 'trust.ca_file';

function askTrust(guide: Guide): Promise<void> {
  const words = 'File with the CAs of DPS and hubs (PEM)';
  const file = { name: 'trust.pem' };
  return askSetting(guide, { name: CA_FILE, flag: 'trust-ca', words, file, objection: noCertificate });
}

/**
 * Whether DPS can be reached and is trusted, without any certificate of ours; prints the finding.
 * @throws Fault in place of a bad finding, where there is no terminal
 */
async function reachDps(guide: Guide): Promise<'trusted' | 'untrusted' | 'unreached'> {
  const { dialogue, answers } = guide;
  const [host, caFile] = [answers.inEffect('dps.endpoint'), answers.inEffect(CA_FILE)];
  const wrong = (what: { readonly code: Code; readonly message: string; readonly advice?: string }) => {
    if (!dialogue.asks) throw new Fault(what.code, what);
    dialogue.wrong(what);
  };
  let ca: string;
  try {
    ca = await readFile(caFile, 'utf8');
  } catch (error) {
    const message = `${caFile} cannot be read: ${error instanceof Error ? error.message : error}.`;
    wrong({ code: 'NL-CONFIG', message });
    return 'untrusted';
  }
  try {
    const dialled = await dialogue.during(`Dialling ${host}`, dialEither(host, ca, answers));
    if (dialled.distrust !== undefined) {
      wrong({
        ...distrusted(dialled, { side: 'DPS', host, caFile: originOf(guide, caFile) }),
        code: 'NL-DPS-UNTRUSTED',
      });
      return 'untrusted';
    }
    const how = dialled.port === HTTPS ? ', where 8883 is closed: newleaf uses WebSockets' : '';
    dialogue.ok(`DPS answers at ${dialled.address} port ${dialled.port}${how}, and is trusted.`);
    return 'trusted';
  } catch (error) {
    if (error instanceof Fault) wrong(error.failure);
    else if (error instanceof Unreached) {
      wrong({ code: 'NL-DPS-UNREACHABLE', message: error.message, advice: adviceFor(error, 'the DPS endpoint') });
    } else throw error;
    return 'unreached';
  }
}

/** Transport and proxy by flag, and the proxy of the environment where none is configured: nothing is asked. */
function setNetwork({ answers, flag }: Guide): void {
  const proposed = answers.get('network.proxy') === undefined ? process.env.HTTPS_PROXY : undefined;
  // One with a password in it is no proposal: the configuration is no place for that.
  const usable = proposed !== undefined && objectionTo('network.proxy', proposed) === undefined ? proposed : undefined;
  for (const [name, given] of [
    ['transport', flag('transport')],
    ['proxy', flag('proxy') ?? usable],
  ] as const) {
    if (given === undefined) continue;
    const wrong = objectionTo(`network.${name}`, given);
    if (wrong !== undefined) throw wrongFlag(name, wrong);
    answers.set(`network.${name}`, given);
  }
}

const HTTPS = 443;

/** The way to Azure, as answered. */
export function networkIn(answers: Guide['answers']): NetworkSettings {
  const around = answers.get('network.no_proxy');
  return {
    transport: answers.inEffect('network.transport') as NetworkSettings['transport'],
    proxy: answers.text('network.proxy'),
    proxy_username: answers.text('network.proxy_username') ?? '',
    proxy_password_file: answers.text('network.proxy_password_file'),
    no_proxy: Array.isArray(around) ? around.map(String) : [],
  };
}

/** On 8883, and on 443 where that is closed. @throws Unreached, Fault NL-NETWORK-… */
async function dialEither(host: string, ca: string, answers: Guide['answers']): Promise<Dialled> {
  const { proxied } = networkOf(networkIn(answers));
  return dial(host, ca, undefined, proxied).catch(async (error: unknown) => {
    if (/:\d+$/.test(host) || answers.inEffect('network.transport') === 'mqtt') throw error;
    return dial(`${host}:${HTTPS}`, ca, undefined, proxied).catch(() => {
      throw error;
    });
  });
}

/** The host name as a registration ID, where it can be one. */
export function registrationIdOf(host: string): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || objectionTo('dps.registration_id', id) !== undefined ? undefined : id;
}
