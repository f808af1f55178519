import { join } from 'node:path';
import { type Advice, another, inBoth } from '../../failure/advice.ts';
import { areaOf } from '../../failure/failure.ts';
import type { NextStatus, Trouble } from '../../roll/report.ts';
import { type Complaint, complaint } from '../kit/command.ts';
import { type Output, type Screen, wrap } from '../kit/screen.ts';
import { fromNow, moment } from '../moment.ts';
import type { GatewayStatus } from './present.ts';
import { leavesUnanswered } from './session.ts';
import { wrongOf } from './wrong.ts';

interface Room {
  readonly rows: number;
  readonly columns: number;
}

export interface Surroundings {
  /** `state.directory`: where the PEM of a candidate lies. */
  readonly directory: string;
  /** Why the daemon cannot be asked; the status is then the state file of that moment (wall clock, milliseconds). */
  readonly lastKnown?: { readonly writtenAt: number; readonly failure: Complaint };
  /** The size of the terminal. */
  readonly room?: Room | undefined;
  /** It is drawn over, so nothing can be scrolled back to. */
  readonly isWatched?: true;
}

/** Undefined where the output is no terminal, or its size is not known. */
export const roomOf = ({ isTTY, rows, columns }: Output): Room | undefined =>
  isTTY === true && rows && columns ? { rows, columns } : undefined;

export const LEAVE = 'Ctrl-C ends this.';

const INDENT = '  ';

/** The closing block of `newleaf status`: code, sentence and next step of each fault, or one calm sentence. */
export function advise(status: GatewayStatus, screen: Screen, surroundings: Surroundings): string[] {
  const { lastKnown, directory } = surroundings;
  const { next, at } = status;
  const wrong = wrongOf(status).map((one) =>
    one.code === next?.trouble?.code
      ? (parkedAlarm(next, directory, Date.parse(at)) ?? one)
      : paused(one, status.trouble, Date.parse(at)),
  );
  const told = lastKnown === undefined ? wrong : [lastKnown.failure, ...past(wrong, lastKnown, Date.parse(at))];
  if (told.length === 0) return wrap(screen, calm(status), { first: INDENT });
  return told.flatMap((one) => complaint(one, screen, INDENT).trimEnd().split('\n'));
}

/**
 * What was wrong when the state was written, with that moment and without its advice: first the daemon must run, which may find
 * another world. Only the leaf and the clock are judged by the present time.
 */
function past(wrong: readonly Complaint[], { writtenAt }: { readonly writtenAt: number }, now: number): Complaint[] {
  return wrong.map((one) => {
    if (/^NL-(?:LEAF-EXPIR|CLOCK)/.test(one.code ?? '')) return one;
    return { ...one, message: `Last known, ${moment(writtenAt, now)}: ${one.message}`, advice: undefined };
  });
}

/** A pause of more than some minutes is told with its end, and with the command that cuts it. */
function paused(one: Complaint, trouble: GatewayStatus['trouble'], now: number): Complaint {
  if (trouble?.askAt === undefined || trouble.code !== one.code) return one;
  const command = areaOf(trouble) === 'DPS' || areaOf(trouble) === 'HUB' ? '`newleaf reprovision`' : '`newleaf roll`';
  const end = `newleaf asks again by itself ${fromNow(Date.parse(trouble.askAt), now)}`;
  // An advice that names a command says what helps.
  const again = one.advice?.includes('`') ? `${end}.` : `${end}; at once: ${command}.`;
  return { ...one, advice: [one.advice, again].filter((text) => text !== undefined).join(' ') };
}

/** Areas of the failures of an issuer, and of what it sends. */
const ISSUERS: ReadonlySet<string> = new Set(['EST', 'CMD', 'LEAF']);

const HURRY = another(
  (how) => `After that: ${how}; after a change of the configuration: \`systemctl restart newleaf\`.`,
);

/** DPS refuses this leaf, and not the onboarding certificate, which is all that it sees where Azure issues the leaves (keys/onboarding.ts). */
export const isOfLeaf = ({ code, message }: Trouble): boolean =>
  code === 'NL-DPS-401002' && !message.includes('onboarding certificate');

/** Why the candidate waits. With an individual enrollment DPS refuses every new leaf until the operator has enrolled it. */
export function parkedAlarm(
  { trouble, leaf, askAt }: NextStatus,
  directory: string,
  now: number,
): (Trouble & Advice) | undefined {
  const again = askAt === undefined ? '' : ` newleaf asks again by itself ${fromNow(Date.parse(askAt), now)}.`;
  if (trouble !== undefined && leaf === undefined && ISSUERS.has(areaOf(trouble)))
    return { ...trouble, ...inBoth(HURRY, (hurry) => `${trouble.advice} ${hurry}${again}`) };
  if (trouble === undefined || leaf === undefined || !isOfLeaf(trouble)) return trouble;
  const or = /CA certificate not found/i.test(trouble.cause ?? '')
    ? 'verify the root above it'
    : 'enable the enrollment';
  const advice = `Operator: enroll this leaf (${join(directory, 'next.pem')}) or its issuer in DPS, or ${or}, then \`newleaf reprovision\`.${again}`;
  return { ...trouble, advice };
}

/** Nothing is wrong, or newleaf is mending it. */
function calm(status: GatewayStatus): string {
  const { phase, online, request, scheduled, leaf, endorsementKey, at } = status;
  if (phase !== 'serving' || request !== undefined) {
    return 'Nothing: newleaf is at work. See it happen with `newleaf status --watch`.';
  }
  if (leavesUnanswered(status))
    return 'Nothing yet: newleaf finds out whether the session has ended. If it lasts: `newleaf check`.';
  if (!online) return 'Nothing yet: newleaf is trying to reach the hub. If it lasts: `newleaf check`.';
  if (scheduled !== undefined) return 'Nothing: newleaf begins by itself.';
  if (endorsementKey !== undefined) return 'Nothing.';
  if (leaf?.renewAt === undefined) return 'Nothing now. But nothing renews this leaf by age: leaf.renew_at is "off".';
  return `Nothing. The leaf is to be renewed ${moment(Date.parse(leaf.renewAt), Date.parse(at))}.`;
}
