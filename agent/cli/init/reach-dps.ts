import { readFile } from 'node:fs/promises';
import { type Failure, Fault, failure } from '../../failure/failure.ts';
import { waysTo } from '../../network/choice.ts';
import { networkOf } from '../../network/network.ts';
import { adviceFor, distrusted } from '../checks/reach.ts';
import { type Dialled, dial, Unreached } from '../proof/dial.ts';
import { originOf } from './copies.ts';
import type { Guide } from './guide.ts';
import { networkIn, ofProxy } from './network.ts';

/** `proxy`, `credentials`: what must be answered otherwise. */
type Reached = 'trusted' | 'untrusted' | 'unreached' | 'proxy' | 'credentials';

/** Whether DPS can be reached and is trusted, without any certificate of ours; prints the finding. */
export async function reachDps(guide: Guide): Promise<Reached> {
  const met = await tried(guide);
  if (met === undefined) return 'trusted';
  guide.dialogue.wrong(met);
  return REACHED[met.code] ?? 'unreached';
}

/**
 * The same in a script. A new gateway meets DPS with its first registration, which may wait for it: here it is only about what
 * the options say of the proxy.
 * @throws Fault
 */
export async function demandDps(guide: Guide): Promise<void> {
  const met = await tried(guide);
  if (met !== undefined && (guide.leaf !== undefined || isOfProxy(met))) throw new Fault(met.code, met);
}

const REACHED: Readonly<Partial<Record<Failure['code'], Reached>>> = {
  'NL-CONFIG': 'untrusted',
  'NL-DPS-UNTRUSTED': 'untrusted',
  'NL-NETWORK-PROXY': 'proxy',
  'NL-NETWORK-PROXY-AUTH': 'credentials',
};

const isOfProxy = ({ code }: Failure): boolean => code.startsWith('NL-NETWORK-PROXY');

async function tried(guide: Guide): Promise<Failure | undefined> {
  const { dialogue, answers } = guide;
  const [host, caFile] = [answers.inEffect('dps.endpoint'), answers.inEffect('trust.ca_file')];
  let ca: string;
  try {
    ca = await readFile(caFile, 'utf8');
  } catch (error) {
    const message = `${caFile} cannot be read: ${error instanceof Error ? error.message : error}.`;
    return failure('NL-CONFIG', { message });
  }
  try {
    const { isSecond, ...dialled } = await dialogue.during(`Dialling ${host}`, dialEither(host, ca, guide));
    if (dialled.distrust !== undefined) {
      const { message, advice } = distrusted(dialled, { side: 'DPS', host, caFile: originOf(guide, caFile) });
      return failure('NL-DPS-UNTRUSTED', { message, ...(advice !== undefined && { advice }) });
    }
    const how = isSecond ? ', where 8883 is closed: newleaf uses WebSockets' : '';
    dialogue.ok(`DPS answers at ${dialled.address} port ${dialled.port}${how}, and is trusted.`);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return ofProxy(answers, error.failure, dialogue.asks);
    if (!(error instanceof Unreached)) throw error;
    return failure('NL-DPS-UNREACHABLE', { message: error.message, advice: adviceFor(error, 'the DPS endpoint') });
  }
}

const PORTS = { mqtt: '', 'mqtt-ws': ':443' } as const;

/** Over the ways of the daemon, in their order. @throws Unreached, Fault NL-NETWORK-… */
async function dialEither(host: string, ca: string, guide: Guide): Promise<Dialled & { readonly isSecond: boolean }> {
  const network = networkIn(guide.answers);
  const { proxied } = networkOf(network);
  const [first, second] = waysTo(host, network.transport);
  const over = (way: keyof typeof PORTS) =>
    dial(HAS_PORT.test(host) ? host : `${host}${PORTS[way]}`, ca, undefined, proxied);
  try {
    return { ...(await over(first)), isSecond: false };
  } catch (error) {
    if (error instanceof Unreached && error.isAnswer) throw error;
    const dialled = second && (await over(second).catch(() => undefined));
    if (dialled === undefined) throw error;
    return { ...dialled, isSecond: true };
  }
}

const HAS_PORT = /:\d+$/;
