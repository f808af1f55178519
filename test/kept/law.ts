import { setTimeout as pause } from 'node:timers/promises';
import type { Ended, Gateway } from '../e2e/stage/gateway.ts';
import type { Site } from '../e2e/stage/site.ts';

const MINUTE_MS = 60_000;
const NAMED_MS = 10_000;
/** A frame of a stack; and a line of the log that newleaf writes of itself. */
const STACK = /^\s+at .+[:(]\d+:\d+\)?$/m;

/** A site, and how its gateway gets another leaf to the end, with all that a person and an operator have to do for it. */
export interface Stand extends Site {
  roll(): Promise<Ended>;
}

/**
 * Serves within a minute.
 * @param isNamed or names why not, and what is to be done
 * @returns the code of that @throws Error with all that the daemon tells of itself
 */
export async function serves({ gateway }: Stand, isNamed = false): Promise<string | undefined> {
  const begun = Date.now();
  const deadline = begun + MINUTE_MS;
  for (;;) {
    const { phase, online, wrong } = await aliveIn(gateway);
    if (online) return undefined;
    if (isNamed && Date.now() > begun + NAMED_MS && wrong[0]?.advice) return wrong[0].code;
    if (Date.now() > deadline) throw new Error(`offline for a minute: ${phase}, ${JSON.stringify(wrong)}`);
    await pause(100);
  }
}

/**
 * The end of each case: another leaf is got without a person who knows more than the screen says, and nothing is left behind.
 * @param tries of `newleaf roll --wait`
 * @returns the codes of the rolls before the one that was done
 * @throws Error that tells the breach
 */
export async function isWell(stand: Stand, own: readonly string[], tries: number): Promise<readonly string[]> {
  const { far, gateway } = stand;
  const met: string[] = [];
  for (;;) {
    const { code, out, err } = await stand.roll();
    if (code === 0) break;
    met.push(`${code} ${codeIn(out + err)}`);
    if (met.length === tries)
      throw new Error(`no roll is done: ${met.join(', ')}\n${out}${err}\n${await shown(gateway)}`);
    await serves(stand);
  }
  const { leaf } = await settled(gateway);
  const all = gateway.token.privateKeys();
  const lost = own.filter((label) => !all.includes(label));
  if (lost.length > 0) throw new Error(`the key of another is gone: ${lost}`);
  const keys = all.filter((label) => !own.includes(label));
  if (keys.length !== 1) throw new Error(`${keys.length} keys: ${keys} after ${met}\n${await shown(gateway)}`);
  const { code, out, err } = await gateway.command('status');
  if (code !== 0) throw new Error(`status ends with ${code}: ${out}${err}`);
  if (leaf === undefined) throw new Error('no leaf');
  assertSilent(gateway);
  const unfit = far.log.entries.filter(
    ({ event, server, code: at }) => event === 'refused' && server === 'est' && at === 400,
  );
  if (unfit.length > 0) throw new Error(`the issuer was sent what does not fit: ${JSON.stringify(unfit[0])}`);
  return met;
}

/** The status; a daemon that has asked for a restart gets it, as systemd does. */
async function aliveIn(gateway: Gateway) {
  try {
    return await gateway.status();
  } catch (error) {
    const how = await gateway.ended();
    if (how !== 6) throw new Error(`the daemon has ended with ${how}: ${error}`);
    await gateway.start();
    return gateway.status();
  }
}

async function settled(gateway: Gateway) {
  const deadline = Date.now() + MINUTE_MS;
  for (;;) {
    const status = await aliveIn(gateway);
    const isQuiet = status.phase === 'serving' && status.online && status.request === undefined;
    if (isQuiet && status.wrong.length === 0) return status;
    if (Date.now() > deadline)
      throw new Error(`not well after a minute: ${status.phase}, ${JSON.stringify(status.wrong)}`);
    await pause(100);
  }
}

/** The daemon has written nothing but its log, and no fault of its own. */
export function assertSilent({ noise, log }: Gateway): void {
  if (STACK.test(noise)) throw new Error(`a stack: ${noise.slice(-2_000)}`);
  const own = log.lines.filter(({ code, message }) => code === 'NL-INTERNAL' || STACK.test(String(message)));
  if (own.length > 0) throw new Error(`a fault of newleaf's own: ${JSON.stringify(own[0])}`);
}

/** The first code but for that of every daemon that is down. */
export const codeIn = (text: string): string => /NL-(?!DAEMON-DOWN)[A-Z0-9-]+/.exec(text)?.[0] ?? '';

export const shown = async (gateway: Gateway): Promise<string> => {
  const { out, err } = await gateway.command('status');
  return `${out}${err}${gateway.log.tail()}`;
};
