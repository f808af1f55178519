import type { OutcomeStatus, RequestStatus } from '../roll/report.ts';

const ACTIONS: Record<RequestStatus['action'], string> = { 're-register': 're-registration', roll: 'roll' };

export const actionInWords = ({ action }: Pick<RequestStatus, 'action'>): string => ACTIONS[action];

/** Of those that are not "since" and the cause. */
const REASONS: Readonly<Record<string, string>> = {
  delivered: 'a leaf was delivered',
  probe: 'to ask again',
  provisioning: 'to get the first leaf',
  'given-key': 'with the key that was there before',
};

/** The person or the event behind a request. */
export function reasonInWords({ reason, from }: Pick<RequestStatus, 'reason' | 'from'>): string {
  if (reason !== 'asked') return REASONS[reason] ?? `since ${causeInWords(reason)}`;
  return from === 'method' ? 'asked for by direct method' : 'asked for by a technician';
}

/** How a request ended, as the rest of "is …". */
const OUTCOMES: Record<OutcomeStatus['outcome'], string> = {
  done: 'done',
  kept: 'not done: still on the previous leaf',
  person: 'not done: a person is needed',
  failed: 'not done',
};

export const outcomeInWords = ({ outcome }: Pick<OutcomeStatus, 'outcome'>): string => OUTCOMES[outcome];

/** Events that move the machine, in words. An event that is not listed needs none. */
const CAUSES: Readonly<Record<string, string>> = {
  asked: 'asked for',
  rejected: 'the hub refused this gateway',
  'dps-refused': 'DPS refused this gateway',
  due: 'the leaf was due',
  configuration: 'the configuration changed',
  probe: 'time to ask again',
  provisioning: 'no leaf yet',
  'given-key': 'a key was there before',
  unreached: 'no hub has answered for long',
  'key-lost': 'the key of the leaf is not in the token',
  started: 'newleaf started',
  discarded: 'candidate discarded',
  'csr-asked': 'a CSR was asked for',
  'key-generated': 'key made',
  'leaf-issued': 'leaf issued',
  registered: 'DPS accepted it',
  connected: 'the hub accepted it',
  'key-destroyed': 'key destroyed',
  refused: 'refused',
  'candidate-expired': 'the candidate expired',
};

export const causeInWords = (why: string): string => CAUSES[why] ?? why;

/** The two cannot be told apart: decommissioning removes the state, too. */
export const NEW_OR_GIVEN_UP = 'It has no state: this gateway is new, or was given up.';
export const BEGIN_OR_LEAVE =
  'A new one: `newleaf init`. One that was given up: leave it off, as a daemon that is started begins anew.';
