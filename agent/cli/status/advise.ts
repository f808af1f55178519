import { join } from 'node:path';
import { failure } from '../../failure/failure.ts';
import type { NextStatus, Status, Trouble } from '../../roll/report.ts';
import { codeInWords } from '../errno.ts';
import { type Complaint, complaint } from '../kit/command.ts';
import { type Screen, wrap } from '../kit/screen.ts';
import { fromNow, moment } from '../moment.ts';
import { troublesOf } from '../uplink/words.ts';
import type { GatewayStatus } from './present.ts';

export interface Surroundings {
  /** `state.directory`: where the PEM of a candidate lies. */
  readonly directory: string;
  /** Why the daemon cannot be asked; the status is then the state file of that moment (wall clock, milliseconds). */
  readonly lastKnown?: { readonly writtenAt: number; readonly failure: Complaint };
  /** The size of a terminal that is drawn over. The advice is cut last. */
  readonly room?: { readonly rows: number; readonly columns: number };
}

const INDENT = '  ';

/** The closing block of `newleaf status`: code, sentence and next step of a fault, or one calm sentence. */
export function advise(status: GatewayStatus, screen: Screen, surroundings: Surroundings): string[] {
  const wrong = alarms(status, surroundings);
  if (wrong.length === 0) return wrap(screen, calm(status), { first: INDENT });
  return wrong.flatMap((one) => complaint(one, screen, INDENT).trimEnd().split('\n'));
}

function alarms(status: GatewayStatus, { directory, lastKnown }: Surroundings): Complaint[] {
  const { trouble, next, clock, person, at, uplink } = status;
  const parked = next && parkedAlarm(next, directory, Date.parse(at));
  const found = [
    lastKnown?.failure,
    clock.credible ? undefined : failure('NL-CLOCK', { message: WRONG_CLOCK }),
    trouble?.code === 'NL-LEAF-EXPIRED' ? undefined : expiry(status),
    trouble === undefined || isToldBeside(trouble.code, status) ? undefined : inWords(trouble),
    parked,
    ...(uplink === undefined ? [] : troublesOf(uplink)),
  ].filter((one) => one !== undefined);
  const needsIssuer = next?.standing === 'waiting' || (person && trouble === undefined && parked === undefined);
  return needsIssuer ? [...found, failure('NL-ISSUER-PERSON')] : found;
}

const WRONG_CLOCK = 'Until the clock is right, no server can be trusted, and nothing is renewed or judged expired.';

/** Whether another block reports or explains it already: a refused candidate, a wrong clock, an expired leaf. */
function isToldBeside(code: Trouble['code'], { next, clock, alarm }: Status): boolean {
  if (code === next?.trouble?.code) return true;
  return (!clock.credible && code.endsWith('-UNTRUSTED')) || (alarm === 'expired' && code === 'NL-HUB-CLOSED');
}

function inWords(trouble: Trouble): Complaint {
  const { cause = '' } = trouble;
  const words = codeInWords(cause);
  return words === undefined ? trouble : { ...trouble, cause: `${words}, ${cause}` };
}

/** The rest of the leaf's life, where its renewal is overdue. */
function expiry({ alarm, leaf, at, trouble }: Status): Complaint | undefined {
  if (alarm === undefined || leaf === undefined) return undefined;
  const when = fromNow(Date.parse(leaf.notAfter), Date.parse(at));
  if (alarm === 'expired') {
    const message = `The leaf expired ${when}, and no new one has come.`;
    if (trouble === undefined) return failure('NL-LEAF-EXPIRED', { message });
    const advice =
      'The reason is said below. Or bring one yourself: `newleaf csr`, have it signed, then `newleaf install FILE`.';
    return failure('NL-LEAF-EXPIRED', { message, advice });
  }
  const why = leaf.renewAt === undefined ? 'nothing renews it: leaf.renew_at is "off"' : 'its renewal is overdue';
  return failure('NL-LEAF-EXPIRING', { message: `The leaf expires ${when}, and ${why}.` });
}

/** Why the candidate waits. With an individual enrollment DPS refuses every new leaf until the operator has enrolled it. */
export function parkedAlarm(
  { trouble, leaf, askAt }: NextStatus,
  directory: string,
  now: number,
): Complaint | undefined {
  if (trouble?.code !== 'NL-DPS-401002' || leaf === undefined) return trouble;
  const again = askAt === undefined ? '' : ` newleaf asks again by itself ${fromNow(Date.parse(askAt), now)}.`;
  const advice = `Operator: enroll this leaf (${join(directory, 'next.pem')}) or its issuer in DPS, or enable the enrollment, then \`newleaf reprovision\`.${again}`;
  return { ...trouble, advice };
}

/** Nothing is wrong, or newleaf is mending it. */
function calm({ phase, online, request, scheduled, leaf, endorsementKey, at }: Status): string {
  if (phase !== 'serving' || request !== undefined) {
    return 'Nothing: newleaf is at work. See it happen with `newleaf status --watch`.';
  }
  if (!online) return 'Nothing yet: newleaf is trying to reach the hub. If it lasts: `newleaf check`.';
  if (scheduled !== undefined) return 'Nothing: newleaf begins by itself.';
  if (endorsementKey !== undefined) return 'Nothing.';
  if (leaf?.renewAt === undefined) return 'Nothing now. But nothing renews this leaf by age: leaf.renew_at is "off".';
  return `Nothing. The leaf is to be renewed ${moment(Date.parse(leaf.renewAt), Date.parse(at))}.`;
}
