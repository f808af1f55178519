import { join } from 'node:path';
import { areaOf, CODES } from '../../failure/failure.ts';
import type { OnboardingCertificate } from '../../roll/onboarding-status.ts';
import type { LeafStatus, NextStatus, OutcomeStatus, RequestStatus, Status, Trouble } from '../../roll/report.ts';
import { bar, type Colour, glyph, paint, rowsOf, type Screen, safe, wrap } from '../kit/screen.ts';
import { fromNow, localMinute, localSecond, moment, zone } from '../moment.ts';
import { statusRows } from '../uplink/screen.ts';
import { actionInWords, causeInWords, outcomeInWords, reasonInWords } from '../words.ts';
import { advise, isOfLeaf, LEAVE, type Surroundings } from './advise.ts';
import type { GatewayStatus } from './present.ts';
import { leavesUnanswered, sessionInWords, shortened } from './session.ts';
import { wrongOf } from './wrong.ts';

const LABEL = 13;
const TRANSITIONS_SHOWN = 6;

/** Folds in this order: steps of the trail, then all that is no reason to act. Head and advice are always shown. */
const FOLDS = [
  ...Array.from({ length: TRANSITIONS_SHOWN + 1 }, (_, folded) => ({ transitions: TRANSITIONS_SHOWN - folded })),
  { transitions: 0, isShort: true },
  { transitions: 0, isShort: true, isBare: true },
] as const satisfies readonly Fold[];

interface Fold {
  /** Steps of the trail. */
  readonly transitions: number;
  /** One row each of leaf and candidate. */
  readonly isShort?: boolean;
  /** Nothing but head and advice. */
  readonly isBare?: boolean;
}

/** `newleaf status` as a technician sees it. Pure. Times are in the time zone of this process. */
export function renderStatus(status: GatewayStatus, screen: Screen, surroundings: Surroundings): string {
  const { room, isWatched } = surroundings;
  const folds: readonly Fold[] = isWatched ? FOLDS : FOLDS.filter((fold) => !('isShort' in fold));
  const drawn = folds.map((fold) => () => linesOf(status, screen, surroundings, fold));
  const fits = (lines: readonly string[]) => room === undefined || rowsOf(lines, room.columns) < room.rows;
  let lines: readonly string[] = [];
  for (const draw of drawn) {
    lines = draw();
    if (fits(lines)) break;
  }
  return `${lines.join('\n')}\n`;
}

function linesOf(
  status: GatewayStatus,
  screen: Screen,
  surroundings: Surroundings,
  { transitions, isShort = false, isBare = false }: Fold,
): readonly string[] {
  const { next, request, scheduled, last, trail } = status;
  const now = Date.parse(status.at);
  const at = (time: string) => moment(Date.parse(time), now);
  const identity = identityBlock(status, now, screen, isShort);
  const candidate = next === undefined ? [] : candidateBlock(next, now, screen, surroundings.directory, isShort);
  const begun = [
    ...row(screen, 'In flight', request && requestInWords(request, now)),
    ...row(screen, 'Scheduled', scheduled && `${requestInWords(scheduled, now)}, begins ${at(scheduled.startAt)}`),
  ];
  const whole = [
    identity,
    candidate,
    hubBlock(status, screen),
    uplinkBlock(status, now, screen),
    [...begun, ...row(screen, 'Last', last && lastInWords(last, now))],
    trailBlock(trail.slice(0, transitions), screen),
  ];
  const more = isShort ? ' All of it: `newleaf status`.' : '';
  const foot = surroundings.isWatched ? wrap(screen, `${LEAVE}${more}`) : [];
  const blocks = [
    headline(status, screen, surroundings),
    ...(isBare ? [] : isShort ? [[...identity, ...candidate, ...begun]] : whole),
    [paint(screen, 'bold', 'What to do'), ...advise(status, screen, surroundings)],
    foot.map((line) => paint(screen, 'dim', line)),
  ];
  const shown = blocks.filter((block) => block.length > 0);
  return shown.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

/** The same in one line, which is printed again when it changes. */
export function statusLine(status: GatewayStatus, screen: Screen): string {
  const { registrationId, words, online } = status;
  // Without the time, which would be a change at every look.
  const session = leavesUnanswered(status) ? 'online, but the hub does not answer' : online ? 'online' : 'offline';
  const [met] = wrongOf(status);
  const wrong = met === undefined ? '' : `, ${met.code} ${met.message}`;
  return safe(screen, `${registrationId}: ${words}, ${session}${wrong}`);
}

function headline(status: GatewayStatus, screen: Screen, { lastKnown }: Surroundings): string[] {
  const { registrationId, words, online, version, at, person, alarm } = status;
  const now = Date.parse(at);
  const sentence = `${safe(screen, registrationId)}: ${words}, ${sessionInWords(status)}`;
  if (lastKnown !== undefined) {
    const why = lastKnown.failure.code === 'NL-CONTROL-GONE' ? 'the daemon cannot be asked' : 'the daemon does not run';
    return [
      paint(screen, 'red', `${glyph(screen, 'dot')} ${safe(screen, registrationId)}: ${why}`),
      ...wrap(screen, `Last known, ${moment(lastKnown.writtenAt, now)}: ${words}.`, { first: '  ' }),
    ];
  }
  const isWell = online && !leavesUnanswered(status) && wrongOf(status).length === 0;
  const colour: Colour = person || alarm === 'expired' ? 'red' : isWell ? 'green' : 'yellow';
  const dot = paint(screen, colour, glyph(screen, 'dot'));
  const [first = '', ...rest] = wrap(screen, sentence, { first: '  ' }).map((line) => line.slice(2));
  return [
    `${dot} ${paint(screen, 'bold', first)}`,
    ...rest.map((line) => `  ${paint(screen, 'bold', line)}`),
    ...wrap(screen, `${localSecond(now)} ${zone(now)}, newleaf ${version}`, { first: '  ' }).map((line) =>
      paint(screen, 'dim', line),
    ),
  ];
}

/** Nothing where there is no value. */
function row(screen: Screen, label: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  return wrap(screen, value, { first: `  ${label.padEnd(LABEL)}`, rest: ' '.repeat(LABEL + 2) });
}

function identityBlock(
  { attestation, leaf, endorsementKey, onboarding }: Status,
  now: number,
  screen: Screen,
  isShort: boolean,
): string[] {
  if (attestation === 'x509') {
    const ofLeaf = leaf === undefined ? row(screen, 'Leaf', 'none yet') : leafBlock(leaf, now, screen, isShort);
    return onboarding === undefined || isShort ? ofLeaf : [...ofLeaf, ...onboardingRows(onboarding, now, screen)];
  }
  if (isShort) return [];
  return [
    ...row(screen, 'Attests', 'by its TPM; there is no leaf'),
    ...(endorsementKey === undefined ? [] : digestRows('Endorsement', endorsementKey, screen)),
  ];
}

/** With another word for its end: the other one is that of the leaf. */
function onboardingRows({ thumbprint, notAfter }: OnboardingCertificate, now: number, screen: Screen): string[] {
  return [
    ...digestRows('Onboarding', thumbprint, screen),
    ...row(screen, 'DPS until', moment(Date.parse(notAfter), now)),
  ];
}

function leafBlock(leaf: NonNullable<Status['leaf']>, now: number, screen: Screen, isShort: boolean): string[] {
  const [from, to] = [Date.parse(leaf.notBefore), Date.parse(leaf.notAfter)];
  const end = row(screen, now >= to ? 'Expired' : 'Expires', moment(to, now));
  if (isShort) return end;
  const share = (at: number) => (at - from) / (to - from);
  const renewAt = leaf.renewAt === undefined ? undefined : Date.parse(leaf.renewAt);
  const colour = now >= to ? 'red' : renewAt !== undefined && now >= renewAt ? 'yellow' : 'green';
  const used = `${Math.min(100, Math.max(0, Math.floor(share(now) * 100)))} %`;
  const mark = renewAt === undefined ? undefined : share(renewAt);
  const line = bar(screen, share(now), mark, Math.min(30, screen.width - LABEL - 24));
  return [
    ...identityRows('Leaf', leaf, screen),
    ...end,
    `${' '.repeat(LABEL + 2)}${paint(screen, colour, line)} ${used} of its lifetime`,
    ...row(screen, 'Renewal', renewalInWords(renewAt, now)),
  ];
}

function renewalInWords(renewAt: number | undefined, now: number): string {
  if (renewAt === undefined) return 'not planned (leaf.renew_at is "off")';
  return `${renewAt > now ? 'planned' : 'due since'} ${moment(renewAt, now)}`;
}

function identityRows(label: string, { cn, slot, issuer, thumbprint }: LeafStatus, screen: Screen): string[] {
  const key = slot === 'given' ? 'the key that came with the token' : `key in slot ${slot}`;
  return [
    ...row(screen, label, `CN ${cn}, ${key}`),
    ...row(screen, 'Issuer', issuer),
    ...digestRows('Thumbprint', thumbprint, screen),
  ];
}

/** SHA-256 in groups, on two lines, or four where they are short: it is read out over the phone. */
export function digestRows(label: string, digest: string, screen: Screen): string[] {
  const groups = safe(screen, digest).match(/.{1,4}/g) ?? [];
  const length = screen.width < LABEL + 42 ? 20 : 40;
  const rows = groups.join(' ').match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
  return rows.map((one, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)}${one.trimEnd()}`);
}

function candidateBlock(next: NextStatus, now: number, screen: Screen, directory: string, isShort: boolean): string[] {
  const { standing, slot, leaf, askAt, trouble, unwanted, refusals = 0 } = next;
  const times = refusals === 1 ? 'once' : `${refusals} times`;
  const isDenied = trouble !== undefined && areaOf(trouble) === 'DPS' && CODES[trouble.code].kind === 'refused';
  const deed = trouble && deedOf(trouble);
  const denied = `DPS refused it ${times}`;
  const unproven = isDenied ? `${deed ?? 'kept'}: ${denied}` : `kept: it could not be proven ${times}`;
  const refused = leaf === undefined ? `${unleafed(trouble)} ${times}` : unproven;
  const leaves = unwanted && `${UNWANTED[unwanted]}: it goes once DPS has accepted the current leaf again`;
  const words = {
    waiting: `waits for a person to sign its CSR, key in slot ${slot}`,
    parked: refused,
    rolling: `being worked on, key in slot ${slot}`,
  }[standing];
  const head = row(screen, 'Candidate', leaves ?? words);
  if (isShort) return head;
  return [
    ...head,
    ...(leaf === undefined ? [] : identityRows('Next leaf', leaf, screen)),
    ...row(screen, 'PEM', leaf && join(directory, 'next.pem')),
    // Its time has come, and other work is in flight.
    ...row(screen, 'Asked again', askAt && Date.parse(askAt) > now ? moment(Date.parse(askAt), now) : undefined),
  ];
}

const UNWANTED: Record<NonNullable<NextStatus['unwanted']>, string> = {
  discarded: 'discarded',
  'key-lost': 'its key is lost',
};

/** What the operator does in DPS for a candidate; the advice below says more. */
function deedOf(trouble: Trouble): string | undefined {
  if (trouble.code === 'NL-DPS-DISABLED') return 'enable its enrollment';
  if (trouble.code !== 'NL-DPS-401002') return undefined;
  return isOfLeaf(trouble) ? 'enroll this leaf' : 'enroll the onboarding certificate';
}

/** Why a candidate has no leaf. */
function unleafed(trouble: Trouble | undefined): string {
  const area = trouble && areaOf(trouble);
  if (area === 'TOKEN') return 'the token failed';
  // Where Azure issues the leaves, DPS may refuse the onboarding certificate, or issue nothing.
  if (area === 'DPS' || trouble?.code === 'NL-AZURE-POLICY') return 'DPS issued no leaf for its CSR';
  return area === 'LEAF' ? "newleaf refused the issuer's leaf" : 'the issuer refused its CSR';
}

function hubBlock(status: Status, screen: Screen): string[] {
  const { hub, clock } = status;
  const wrongClock = `is wrong: it cannot be before ${localMinute(Date.parse(clock.floor))}`;
  return [
    ...row(screen, 'Hub', hub?.host ?? 'none assigned yet'),
    ...row(screen, 'Device ID', hub?.deviceId),
    ...row(screen, 'Keepalive', shortened(status)),
    ...row(screen, 'Clock', clock.credible ? undefined : wrongClock).map((line) => paint(screen, 'red', line)),
  ];
}

function uplinkBlock({ uplink }: GatewayStatus, now: number, screen: Screen): string[] {
  const rows = uplink === undefined ? [] : statusRows(uplink, now);
  return rows.flatMap((one, index) => row(screen, index === 0 ? 'Programs' : '', one));
}

function requestInWords(request: RequestStatus, now: number): string {
  const at = Date.parse(request.at);
  // It came while the clock was ahead.
  const when = at > now ? '' : ` ${fromNow(at, now)}`;
  return `${actionInWords(request)} ${request.id}, ${reasonInWords(request)}${when}`;
}

function lastInWords(last: OutcomeStatus, now: number): string {
  const code = last.code === undefined ? '' : ` (${last.code})`;
  const begun = `${actionInWords(last)} ${last.id}, ${reasonInWords(last)}`;
  const at = Date.parse(last.endedAt);
  return `${begun}, ended${at > now ? '' : ` ${fromNow(at, now)}`}: ${outcomeInWords(last)}${code}`;
}

function trailBlock(trail: Status['trail'], screen: Screen): string[] {
  if (trail.length === 0) return [];
  const arrow = glyph(screen, 'arrow');
  const rows = trail.map(({ at, from, to, why, code }) => {
    const words = `${from} ${arrow} ${to}: ${causeInWords(why)}${code === undefined ? '' : ` (${code})`}`;
    const first = `  ${localSecond(Date.parse(at))}  `;
    return wrap(screen, words, { first, rest: ' '.repeat(first.length) });
  });
  return [paint(screen, 'bold', 'Lately'), ...rows.flat()];
}
