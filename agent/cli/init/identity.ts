import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { objectionTo } from '../../config/draft.ts';
import { Fault } from '../../failure/failure.ts';
import { networkOf } from '../../network/network.ts';
import { type Dialled, dial, Unreached } from '../checks/dial.ts';
import { adviceFor, distrusted } from '../checks/reach.ts';
import { askSetting, noCertificate } from './ask-setting.ts';
import { type Guide, wrongFlag } from './guide.ts';

export async function askIdentity(guide: Guide): Promise<void> {
  const hint = 'Azure portal: DPS instance, Overview';
  await askSetting(guide, { name: 'dps.id_scope', flag: 'id-scope', words: 'ID scope', hint });
  await askSetting(guide, {
    name: 'dps.registration_id',
    flag: 'registration-id',
    words: 'Registration ID, which is the CN of every leaf',
    suggestion: registrationIdOf(hostname()),
  });
  setNetwork(guide);
  for (;;) {
    await askSetting(guide, { name: 'dps.endpoint', flag: 'endpoint', words: 'DPS endpoint' });
    if (guide.flag('trust-ca') !== undefined) await askTrust(guide);
    if (!guide.dialogue.asks) return;
    const found = await reachDps(guide);
    guide.forget('endpoint', 'trust-ca');
    if (found === 'untrusted' && (await guide.dialogue.confirm('Name another file with the CAs to trust?', true))) {
      await askTrust(guide);
      if ((await reachDps(guide)) === 'trusted') return;
    }
    if (found === 'trusted' || (await guide.dialogue.confirm('Go on all the same?', false))) return;
  }
}

function askTrust(guide: Guide): Promise<void> {
  const words = 'File with the CAs of DPS and hubs (PEM)';
  return askSetting(guide, { name: 'trust.ca_file', flag: 'trust-ca', words, isFile: true, objection: noCertificate });
}

/** Whether DPS can be reached and is trusted, without any certificate of ours; prints the finding. */
async function reachDps({ dialogue, answers }: Guide): Promise<'trusted' | 'untrusted' | 'unreached'> {
  const [host, caFile] = [answers.inEffect('dps.endpoint'), answers.inEffect('trust.ca_file')];
  let ca: string;
  try {
    ca = await readFile(caFile, 'utf8');
  } catch (error) {
    dialogue.wrong({ message: `${caFile} cannot be read: ${error instanceof Error ? error.message : error}.` });
    return 'untrusted';
  }
  try {
    const dialled = await dialEither(host, ca, answers);
    if (dialled.distrust !== undefined) {
      dialogue.wrong(distrusted(dialled, { side: 'DPS', host, caFile }));
      return 'untrusted';
    }
    const how = dialled.port === HTTPS ? ', where 8883 is closed: newleaf uses WebSockets' : '';
    dialogue.ok(`DPS answers at ${dialled.address} port ${dialled.port}${how}, and is trusted.`);
    return 'trusted';
  } catch (error) {
    if (error instanceof Fault) dialogue.wrong(error.failure);
    if (error instanceof Fault) return 'unreached';
    if (!(error instanceof Unreached)) throw error;
    const advice = adviceFor(error, 'the DPS endpoint');
    dialogue.wrong({ code: 'NL-DPS-UNREACHABLE', message: error.message, advice });
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

/** On 8883, and on 443 where that is closed. @throws Unreached, Fault NL-NETWORK-… */
async function dialEither(host: string, ca: string, answers: Guide['answers']): Promise<Dialled> {
  const proxy = answers.text('network.proxy');
  const { proxied } = networkOf({ transport: 'auto', proxy, proxy_username: '', no_proxy: [] });
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
