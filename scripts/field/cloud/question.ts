import type { Switches } from '../../../test/simulator/switches.ts';
import type { Ground } from './ground.ts';
import type { Registered } from './probe.ts';
import { firstLine } from './screen.ts';

/** What the service did, and which positions of the simulator's switches do the same. */
export interface Answer {
  /** A switch of the question that is not here: no position does what was seen. */
  readonly positions: Partial<Switches>;
  /** In the words of the wire. */
  readonly seen: string;
  /** Why it stays open, although nothing failed. */
  readonly open?: string;
}

export interface Question {
  readonly title: string;
  readonly of: readonly (keyof Switches)[];
  readonly ask: (ground: Ground) => Promise<Answer>;
}

/** A question, and what came of it. */
export interface Asked {
  readonly question: Question;
  readonly answer: Answer | { readonly failed: string };
}

export const isAnswered = ({ answer }: Asked): boolean => !('failed' in answer) && answer.open === undefined;

/** The positions that were seen, as `retryAfter: "3"`; empty for a question without a switch. */
export function switchesOf({ question, answer }: Asked): string {
  if ('failed' in answer) return `not answered: ${firstLine(answer.failed)}`;
  const { positions, open = 'no position does this' } = answer;
  const seen = new Map<string, unknown>(Object.entries(positions));
  return question.of.map((name) => `${name}: ${seen.has(name) ? JSON.stringify(seen.get(name)) : open}`).join(', ');
}

/** @param position undefined where none does what was seen */
export const answer = <Name extends keyof Switches>(
  name: Name,
  position: Switches[Name] | undefined,
  seen: string,
): Answer => ({
  positions: position === undefined ? {} : ({ [name]: position } as Partial<Switches>),
  seen,
});

/** Whether DPS admits a leaf, as the position of a switch. */
export const admitted = (name: keyof Switches, { end, seen }: Registered, yes: unknown, no: unknown): Answer =>
  answer(name, (end === 'assigned' ? yes : no) as Switches[typeof name], seen);

/** The group of the questions, which knows the intermediate that issues. */
export const GROUP = 'questions';

const AZURE_ISSUES =
  'it is about leaves that Azure issues, for which there must be a namespace of Azure Device Registry';

/** Each switch is asked about, or there is a reason. A new one is missed by the compiler. */
export const NOT_ASKED: { readonly [Name in keyof Switches]: 'asked' | string } = {
  refusalShape: 'asked',
  disabledShape: 'asked',
  individualDecidesFor: 'asked',
  infoAlone: 'asked',
  expiredLeafAtDps: 'asked',
  expiredIssuerAtDps: 'asked',
  enrolledIssuerMayBeLeftOut: 'asked',
  chainMustReachVerifiedCa: 'asked',
  neverPolicyRefreshesThumbprint: 'asked',
  registrationEnablesDevice: 'asked',
  secondDpsConnect: 'asked',
  retryAfter: 'asked',
  answerAtOnce: 'asked',
  disabledConnack: 'asked',
  sessionsEndAtNotAfter: 'asked',
  sixthSubscription: 'asked',
  acksInOrder: 'asked',
  oversizedReported: 'asked',
  webSocketCertificate: 'asked',
  estSendsChain: 'it is about the CA, which is on this machine',
  dpsVersions: 'asked',
  hubVersions: 'asked',
  issuingEnrollments: AZURE_ISSUES,
  csrRefusalAtDps: AZURE_ISSUES,
  noChain: AZURE_ISSUES,
  issuedChain: AZURE_ISSUES,
  leafKeys: AZURE_ISSUES,
  connectionProfile: AZURE_ISSUES,
  renewal: AZURE_ISSUES,
  csrRefusalAtHub: AZURE_ISSUES,
  renewalCodes: AZURE_ISSUES,
  noInfo: AZURE_ISSUES,
  renewalBody: AZURE_ISSUES,
  renewalTopic: AZURE_ISSUES,
  renewalQos: AZURE_ISSUES,
  registryName: AZURE_ISSUES,
};
