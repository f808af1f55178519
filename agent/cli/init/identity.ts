import { hostname } from 'node:os';
import { instanceOf } from '../../config/config.ts';
import { objectionTo } from '../../config/draft.ts';
import { askSetting, noCertificate } from './ask-setting.ts';
import type { Guide } from './guide.ts';
import type { Question } from './in-order.ts';
import { askCredentials, askProxy, setNetwork, WAY_FLAGS } from './network.ts';
import { demandDps, reachDps } from './reach-dps.ts';

export const ID_SCOPE = {
  name: 'dps.id_scope',
  flag: 'id-scope',
  words: 'ID scope',
  hint: 'Azure portal: DPS instance, Overview',
};

export const IDENTITY_QUESTIONS: readonly Question[] = [(guide) => askSetting(guide, ID_SCOPE), askId, askEndpoint];

/** Portal and az show both on the same page. 0cn in China (an Azure Sphere client that serves both clouds). */
const LIKE_A_SCOPE = /^0(ne|cn)[0-9a-f]{8}$/i;

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
  const { dialogue, flag, leaf } = guide;
  const given = (names: readonly string[]) => names.some((name) => flag(name) !== undefined);
  const [isGiven, hasWay] = [given(['endpoint', 'trust-ca', ...WAY_FLAGS]), given(WAY_FLAGS)];
  await setNetwork(guide);
  let ask = askHost;
  for (;;) {
    await ask(guide);
    if (flag('trust-ca') !== undefined) await askTrust(guide);
    if (!dialogue.asks) {
      if (leaf === undefined ? hasWay : isGiven) await demandDps(guide);
      return;
    }
    const found = await reachDps(guide);
    guide.forget('endpoint', 'trust-ca');
    if (found === 'untrusted' && (await dialogue.confirm('Name another file with the CAs to trust?', true))) {
      await askTrust(guide);
      if ((await reachDps(guide)) === 'trusted') return;
    }
    if (found === 'trusted' || (await dialogue.confirm('Go on all the same?', false))) return;
    ask = found === 'proxy' ? askProxy : found === 'credentials' ? askCredentials : askHost;
  }
}

const askHost = (guide: Guide): Promise<void> =>
  askSetting(guide, { name: 'dps.endpoint', flag: 'endpoint', words: 'DPS endpoint' });

function askTrust(guide: Guide): Promise<void> {
  const words = 'File with the CAs of DPS and hubs (PEM)';
  const file = { name: 'trust.pem' };
  return askSetting(guide, { name: 'trust.ca_file', flag: 'trust-ca', words, file, objection: noCertificate });
}

/** The host name as a registration ID, where it can be one. */
export function registrationIdOf(host: string): string | undefined {
  const id = host.split('.', 1)[0] ?? '';
  return id === 'localhost' || objectionTo('dps.registration_id', id) !== undefined ? undefined : id;
}
