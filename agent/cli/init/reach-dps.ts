import { type Failure, Fault } from '../../failure/failure.ts';
import type { Guide } from './guide.ts';
import { ofProxy } from './network.ts';
import { prove } from './prove.ts';

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
  const { message, failure } = await prove(guide, ['dps-reach'], `Dialling ${answers.inEffect('dps.endpoint')}`);
  if (failure === undefined) dialogue.ok(message);
  return failure && ofProxy(answers, failure, dialogue.asks);
}
