import { advisedFor } from '../failure/advice.ts';
import { areaOf, type Failure, sentence } from '../failure/failure.ts';
import type { Candidate } from './candidate.ts';
import { isEndorsed, type Leaf } from './leaf.ts';
import { misnamed } from './misnamed.ts';
import type { OnboardingCertificate } from './onboarding-status.ts';
import type { Phase } from './phase.ts';
import type { Alarm, Hindrance, Outcome, Request, RollState, Transition } from './state.ts';
import { clockFloor, dueAt, isCredible, type Terms } from './terms.ts';
import { needsAction, needsPerson, presentAlarm, wrongIn } from './wrong.ts';

/**
 * `newleaf status --json`, `GET /v1/status` and the method `leafStatus`. Kept stable: fields are added, never renamed. All times
 * are ISO 8601. The first two have a field more, `uplink`, where programs send through newleaf: UplinkTold of cli/uplink/told.ts.
 */
export interface Status {
  readonly schema: 1;
  readonly version: string;
  readonly at: string;
  readonly registrationId: string;
  readonly attestation: Terms['attestation'];
  readonly phase: Phase;
  /** The phase in words. */
  readonly words: string;
  /** A session with the hub is open. */
  readonly online: boolean;
  /** When the hub was last heard in this session: it sends nothing while there is nothing to send. */
  readonly heardAt?: string;
  readonly keepalive?: KeepaliveStatus;
  readonly hub?: { readonly host: string; readonly deviceId: string };
  readonly leaf?: LeafStatus & { readonly renewAt?: string } & Certificate;
  /** Of a gateway that attests by its TPM: SHA-256 of the endorsement key, 64 upper-case hex digits. */
  readonly endorsementKey?: string;
  /** Where Azure issues the leaves: the certificate that DPS knows. */
  readonly onboarding?: OnboardingCertificate;
  readonly next?: NextStatus;
  readonly request?: RequestStatus;
  readonly scheduled?: RequestStatus & { readonly startAt: string };
  readonly last?: OutcomeStatus;
  /** The newest first. */
  readonly outcomes: readonly OutcomeStatus[];
  readonly trail: readonly (Omit<Transition, 'at'> & { readonly at: string })[];
  readonly clock: { readonly credible: boolean; readonly floor: string };
  /** How near the end of the leaf is, once its renewal is overdue. */
  readonly alarm?: Alarm;
  /** What was met, and has not passed: what hinders the work, or else the session. */
  readonly trouble?: Trouble & {
    /** When it was met last. */
    readonly at?: string;
    /** The ID of the request that was in flight then. */
    readonly request?: string;
    /** When newleaf tries again by itself, where that is minutes away. */
    readonly askAt?: string;
  };
  /** All that is wrong, a cause before its effects. */
  readonly wrong: readonly Trouble[];
  /** A person must act: the advice in `wrong` says who and what. */
  readonly person: boolean;
}

interface KeepaliveStatus {
  /** From ping to ping. */
  readonly seconds: number;
  /** Something on the way to the hub ends connections that are idle for so long. */
  readonly idleLimitSeconds?: number;
}

export interface LeafStatus extends Pick<Leaf, 'cn' | 'thumbprint' | 'issuer' | 'serial'> {
  readonly notBefore: string;
  readonly notAfter: string;
  readonly slot: Leaf['key']['slot'];
}

/** What an operator enrolls. Only the method `leafStatus` gives it, where it is asked to. */
interface Certificate {
  /** The leaf alone, without its intermediates. */
  readonly pem?: string;
}

export interface NextStatus extends Certificate {
  readonly slot: Leaf['key']['slot'];
  /** waiting: the CSR is out · parked: refused, asked again at `askAt` · rolling: in work */
  readonly standing: 'waiting' | 'parked' | 'rolling';
  readonly leaf?: LeafStatus;
  readonly askAt?: string;
  readonly refusals?: number;
  readonly trouble?: Trouble;
  /** It makes room once DPS has accepted the current leaf again. */
  readonly unwanted?: Candidate['unwanted'];
}

export interface RequestStatus extends Omit<Request, 'at'> {
  readonly at: string;
}

export interface OutcomeStatus extends RequestStatus, Partial<Pick<Failure, 'code' | 'message' | 'advice'>> {
  readonly outcome: Outcome['outcome'];
  readonly endedAt: string;
}

export type Trouble = Pick<Failure, 'code' | 'message' | 'advice' | 'cause'>;

/** The phase in words that a technician may read out over the phone. */
export const WORDS: Record<Phase, string> = {
  unprovisioned: 'has no leaf yet',
  serving: 'serving with the current leaf',
  registering: 'registering the current leaf with DPS',
  'generating-key': 'making the next key in the token',
  'requesting-leaf': 'waiting for the issuer to sign the next leaf',
  'registering-next': 'registering the next leaf with DPS',
  'connecting-next': 'proving the next leaf at the hub',
  'retiring-key': 'serving, and destroying the key that is not needed any more',
  abandoning: 'going back to the current leaf',
  stranded: 'stranded: a person is needed',
};

/** The different words of a gateway that attests by its TPM; without a leaf there are no other phases. */
const WORDS_BY_TPM: Partial<Record<Phase, string>> = {
  unprovisioned: 'has not registered yet',
  serving: 'serving with the key in its TPM',
  registering: 'registering by its TPM, which brings it a new key',
};

export const wordsOf = (phase: Phase, attestation: Terms['attestation']): string =>
  (attestation === 'tpm' ? WORDS_BY_TPM[phase] : undefined) ?? WORDS[phase];

/** The first certificate of a chain. One with an RSA key of 4,096 bits has 2,500 characters; see `certificateOf` for the bound. */
const FIRST_PEM = /^-----BEGIN CERTIFICATE-----[^-]{1,32768}-----END CERTIFICATE-----\n?/;

export const iso = (at: number): string => new Date(at).toISOString();

export interface ReportOptions {
  readonly version: string;
  readonly registrationId: string;
  readonly terms: Terms;
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** Time since the hub was last heard, in milliseconds. */
  readonly silentMs?: number | undefined;
  readonly keepalive?: { readonly told: KeepaliveStatus };
  readonly onboarding?: { readonly told: OnboardingCertificate | undefined };
  /** Faults that the machine does not know: of the disk, of the first leaf, the brake. */
  readonly others?: readonly Failure[];
  /** With the certificates. Default false. */
  readonly pem?: boolean;
}

export function statusOf(
  state: RollState,
  { version, registrationId, terms, now, silentMs, keepalive, onboarding, others = [], pem = false }: ReportOptions,
): Status {
  const { current, assignment, request, scheduled, outcomes } = state;
  // A key that is only there for the next roll is no candidate.
  const isSpare = state.next?.leaf === undefined && state.next?.for === 'spare' && terms.automatic;
  const next = isSpare ? undefined : state.next;
  const alarm = presentAlarm(state, terms, now);
  const named = misnamed(current, registrationId);
  const wrong = wrongIn(state, terms, now, others, named);
  const met = state.workTrouble ?? state.sessionTrouble;
  const told = (failure: Failure) => troubleOf(advisedFor(terms.automatic)(failure));
  const trouble = met?.failure ?? others[0] ?? named ?? wrong.find(({ code }) => code === 'NL-LEAF-EXPIRED');
  const renewAt = current && dueAt(current, terms.renewAt);
  const ended = outcomes.map((one) => outcomeOf(one, told));
  return {
    schema: 1,
    version,
    at: iso(now),
    registrationId,
    attestation: terms.attestation,
    phase: state.phase,
    words: wordsOf(state.phase, terms.attestation),
    online: state.online !== undefined,
    ...(state.online !== undefined && silentMs !== undefined && { heardAt: iso(now - silentMs) }),
    ...(keepalive && { keepalive: keepalive.told }),
    ...(assignment && { hub: { host: assignment.hub, deviceId: assignment.deviceId } }),
    ...(current &&
      (isEndorsed(current)
        ? { endorsementKey: current.thumbprint }
        : { leaf: { ...currentStatus(current, renewAt), ...(pem && certificateOf(current)) } })),
    ...(onboarding?.told && { onboarding: onboarding.told }),
    ...(next && {
      next: { ...nextStatus(next, state, told), ...(pem && next.leaf && certificateOf(next.leaf)) },
    }),
    ...(request && { request: requestStatus(request) }),
    ...(scheduled && { scheduled: { ...requestStatus(scheduled), startAt: iso(scheduled.startAt) } }),
    ...(ended[0] && { last: ended[0] }),
    outcomes: ended,
    trail: state.trail.map((one) => ({ ...one, at: iso(one.at) })),
    clock: { credible: isCredible(state, terms, now), floor: iso(clockFloor(state, terms)) },
    ...(alarm && { alarm }),
    ...(trouble && { trouble: { ...told(trouble), ...(met && metWhen(met)), ...againIn(state, trouble, now) } }),
    wrong: wrong.map(troubleOf),
    person: needsPerson(state, terms, now, others),
  };
}

/** What is made at each event, for line and twin: it tells the last outcome alone, and no history. */
export const presentOf = (state: RollState, options: ReportOptions): Status =>
  statusOf({ ...state, outcomes: state.outcomes.slice(0, 1), trail: [] }, options);

/** All of it in one line, where there is no room for more: phase, hub, end of the leaf, and the fault. */
export function lineOf({ words, online, hub, leaf, wrong: [wrong] }: Status): string {
  return [
    `${words}, ${online ? `online at ${hub?.host}` : 'offline'}`,
    ...(leaf === undefined ? [] : [`the leaf ends ${leaf.notAfter}`]),
    ...(wrong === undefined ? [] : [sentence(wrong)]),
  ].join('; ');
}

function nextStatus(next: Candidate, { phase, probe }: RollState, told: (failure: Failure) => Trouble): NextStatus {
  const { leaf, rest, met, unwanted } = next;
  // A stranded gateway has one ladder for all that it asks.
  const askAt = phase === 'stranded' && probe !== undefined ? probe.askAt : rest?.askAt;
  const waits = leaf === undefined && next.for !== 'roll';
  return {
    slot: next.key.slot,
    standing: met !== undefined ? 'parked' : waits ? 'waiting' : 'rolling',
    ...(leaf && { leaf: leafStatus(leaf) }),
    ...(askAt !== undefined && rest && unwanted === undefined && { askAt: iso(askAt) }),
    ...(met && { refusals: next.tries, trouble: told(met) }),
    ...(unwanted && { unwanted }),
  };
}

function currentStatus(current: Leaf, renewAt: number | undefined): NonNullable<Status['leaf']> {
  return { ...leafStatus(current), ...(renewAt !== undefined && { renewAt: iso(renewAt) }) };
}

function leafStatus({ cn, thumbprint, issuer, serial, notBefore, notAfter, key }: Leaf): LeafStatus {
  return { cn, thumbprint, issuer, serial, notBefore: iso(notBefore), notAfter: iso(notAfter), slot: key.slot };
}

/** DPS takes the leaf alone. A whole chain may be longer than the 128 KB of an answer (iot-hub-devguide-direct-methods). */
function certificateOf({ chain }: Leaf): Certificate {
  const [pem] = FIRST_PEM.exec(chain) ?? [];
  return pem === undefined ? {} : { pem };
}

function requestStatus({ id, action, reason, from, at }: Request): RequestStatus {
  return { id, action, reason, from, at: iso(at) };
}

/** The end of a pause that is minutes long. */
const againIn = ({ workTrouble, sessionTrouble, askAt = 0 }: RollState, trouble: Failure, now: number) =>
  (workTrouble ?? sessionTrouble)?.failure === trouble && askAt > now ? { askAt: iso(askAt) } : {};

function metWhen({ at, request }: Hindrance) {
  return { at: iso(at), ...(request !== undefined && { request }) };
}

function outcomeOf(ended: Outcome, told: (failure: Failure) => Trouble): OutcomeStatus {
  const { cause: _, ...trouble } = ended.failure ? told(ended.failure) : {};
  return {
    ...requestStatus(ended),
    outcome: ended.outcome,
    endedAt: iso(ended.endedAt),
    ...trouble,
  };
}

function troubleOf({ code, message, advice, cause }: Failure): Trouble {
  return { code, message, advice, ...(cause !== undefined && { cause }) };
}

/**
 * The reported property `newleaf`. Written only on change, so it has no times that grow by themselves.
 * @param labelPrefix object labels are this with `-a` and `-b`
 */
export function twinOf(status: Status, labelPrefix: string): object {
  const { version, phase, leaf, endorsementKey, onboarding, next, hub, last, alarm, wrong } = status;
  return {
    version,
    phase,
    leaf: leaf && {
      thumbprint: leaf.thumbprint,
      notAfter: leaf.notAfter,
      label: `${labelPrefix}-${leaf.slot}`,
      issuer: leaf.issuer,
      serial: leaf.serial,
    },
    tpm: endorsementKey && { endorsementKey },
    onboarding,
    next: next?.leaf && { thumbprint: next.leaf.thumbprint, standing: next.standing, code: next.trouble?.code },
    assignment: hub,
    alarm,
    // What passes by itself would be written again and again.
    trouble: wrong.find(({ code }) => needsAction(code))?.code,
    last: last && {
      id: last.id,
      action: last.action,
      reason: last.reason,
      outcome: last.outcome,
      code: last.code,
      // Step and CKR code: the back end does not see the token, and the code alone says too little.
      message: last.code !== undefined && areaOf({ code: last.code }) === 'TOKEN' ? last.message : undefined,
      at: last.endedAt,
    },
  };
}
