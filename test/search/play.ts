import { REGISTERING } from '../../agent/roll/look.ts';
import { DEEDS, does } from './deeds.ts';
import { type Faults, faultOf } from './faults.ts';
import { Gateway, HOUR, MINUTE, SPAN_MS } from './gateway.ts';
import { canServe, PATIENCE_MS, tooManyLeaves, tooOften, untold } from './laws.ts';
import { isLost, isPutOff, type Law, lostKeyIsReplaced, noneWaitsTooLong, REPLACED_MS } from './laws-late.ts';
import { noneComesTooSoon } from './laws-pace.ts';
import { nothingIsTold, offlineIsTold, statusOf } from './laws-screen.ts';
import { enroll } from './people.ts';
import { helpFor, standingOf, whatIsLeft } from './rest.ts';
import type { Vector } from './vector.ts';

/** What came of a vector: the laws that it broke, none where all is well. */
export interface Played {
  readonly broken: readonly string[];
  /** What the machine went through, the oldest first. */
  readonly trail: readonly string[];
}

const LOOK_MS = 5 * MINUTE;
/** The design: so long after everything is well, or after a person has done what `status` asks for, the gateway serves. */
const LIMIT_MS = 75 * MINUTE;
/** A person who did what was asked for does it again, where it is still asked for. */
const AGAIN_MS = 10 * MINUTE;
/** By then what a person has done has changed the standing. */
const HELPED_MS = HOUR;
/** The roll itself, after its ladder. */
const WORK_MS = 3 * MINUTE;

/** Plays a vector: faults and people over ten hours, then everything is put in order, and must come to rest. */
export async function play(vector: Vector, begun: (gateway: Gateway) => void = () => {}): Promise<Played> {
  const gateway = new Gateway(vector.origin);
  const { clock, world, broken } = gateway;
  const changes: number[] = [0];
  const trail: string[] = [];
  const moments = momentsOf(vector);
  const laws = [lostKeyIsReplaced(), noneComesTooSoon(), noneWaitsTooLong(), offlineIsTold()];
  gateway.start();
  begun(gateway);
  const ending = new Set<string>();
  let quiet = 0;
  for (let index = 0; clock.monotonic() < SPAN_MS && broken.length === 0; ) {
    const now = clock.monotonic();
    const due = moments[index];
    if (due !== undefined && due.at <= now) {
      due.happens(gateway);
      changes.push(now);
      index += 1;
      quiet = now;
      continue;
    }
    const next = Math.min(due?.at ?? SPAN_MS, now + LOOK_MS, SPAN_MS);
    await clock.pass(next - now);
    await look(gateway, trail, laws);
    if (endsSoon(gateway, ending)) changes.push(clock.monotonic());
    if (gateway.isOnline || !canServe(gateway)) quiet = clock.monotonic();
    // The silence of a hub is found out again by each process: twenty attempts are no accident, and a quarter of an hour.
    quiet = Math.max(quiet, gateway.cuts.at(-1) ?? 0);
    if (clock.monotonic() - quiet > PATIENCE_MS) broken.push('a leaf that would serve is not tried');
  }
  if (broken.length === 0) {
    changes.push(clock.monotonic());
    const looked = async () => {
      await look(gateway, trail, laws);
      if (endsSoon(gateway, ending)) changes.push(clock.monotonic());
    };
    await heal(gateway, vector.origin.enrollment === 'individual', () => changes.push(clock.monotonic()), looked);
    const told = broken.length === 0 && !waitsForLong(gateway) ? await nothingIsTold(gateway, looked) : undefined;
    if (told !== undefined) broken.push(told);
  }
  // To find another's key in the place costs the token nothing.
  const made = world.questions.filter(({ asked, answer }) => asked === 'make' && answer !== 'NL-TOKEN-OCCUPIED');
  const calls = { ...world.calls, generate: made.map(({ from }) => from) };
  broken.push(...tooOften(calls, [...changes, ...gateway.cuts]), ...tooManyLeaves(gateway));
  gateway.stop();
  return { broken: [...new Set(broken)], trail };
}

interface Moment {
  readonly at: number;
  readonly happens: (gateway: Gateway) => void;
}

function momentsOf({ spells, deeds }: Vector): readonly Moment[] {
  const edges = new Set(spells.flatMap(({ from, until }) => [from, until]));
  const laid = (at: number): Faults =>
    Object.assign(
      {},
      ...spells.filter(({ from, until }) => from <= at && at < until).map(({ fault }) => faultOf(fault)),
    );
  return [
    ...[...edges].map((at) => ({ at, happens: (gateway: Gateway) => gateway.lay(laid(at)) })),
    ...deeds.map(({ deed, at }) => ({ at, happens: (gateway: Gateway) => void does(deed, gateway) })),
  ].sort((one, other) => one.at - other.at);
}

async function look(gateway: Gateway, trail: string[], laws: readonly Law[]): Promise<void> {
  gateway.world.look();
  // A power cut may come between the journal and whoever hears of it.
  for (const { id } of gateway.known?.outcomes ?? []) gateway.log.ended.add(id);
  note(gateway, trail);
  const status = await statusOf(gateway);
  if (status === undefined) return;
  const broken = [untold(gateway, status), ...laws.map((law) => law(gateway, status))];
  gateway.broken.push(...broken.filter((law) => law !== undefined));
}

/** Faults end, the operator enrolls what the gateway names, and a person does what it asks for. */
async function heal(
  gateway: Gateway,
  isIndividual: boolean,
  changed: () => void,
  looked: () => Promise<void>,
): Promise<void> {
  const { clock, broken, log } = gateway;
  gateway.lay({});
  gateway.cutAtWrite = undefined;
  DEEDS['the token is plugged in'](gateway);
  DEEDS['clock is right'](gateway);
  const { azure } = gateway.world;
  if (azure) Object.assign(azure, { hasPolicy: true, isEnabled: true, trusted: azure.authority });
  const helped = new Map<string, number>();
  const standings = new Map<string, number>();
  enroll(gateway);
  const healed = clock.monotonic();
  const found = new Set<number>();
  for (let end = clock.monotonic() + LIMIT_MS + WORK_MS; clock.monotonic() < end && broken.length === 0; ) {
    if (isIndividual && enroll(gateway)) end = clock.monotonic() + LIMIT_MS + WORK_MS;
    await clock.pass(MINUTE);
    await looked();
    if (whatIsLeft(gateway) === '') break;
    const now = clock.monotonic();
    // A process that is ended after the faults begins the pauses of the one before it anew.
    end = Math.max(end, (gateway.cuts.at(-1) ?? 0) + LIMIT_MS + WORK_MS);
    // A lost key that DPS was waited for with, and a leaf that a hub refuses, are found out late, once: each has its own time from there.
    for (const [laterMs, isFound] of [
      [REPLACED_MS, isLost(gateway) && isAsked(gateway, healed)],
      [LIMIT_MS + WORK_MS, isRefusedLate(gateway, healed)],
    ] as const) {
      if (!isFound || found.has(laterMs)) continue;
      found.add(laterMs);
      end = Math.max(end, now + laterMs);
    }
    const isNew = ({ need }: { need: string }) => now >= (helped.get(need) ?? Number.NEGATIVE_INFINITY) + AGAIN_MS;
    const help = (await helpFor(gateway)).find(isNew);
    if (help === undefined) continue;
    const since = helped.get(help.need);
    const standing = standingOf(gateway, help.need);
    const first = standings.get(standing) ?? now;
    if (!isPatient(gateway, help.need)) {
      standings.set(standing, first);
      if (now - first >= HELPED_MS)
        broken.push(`a person did what was asked for, and is asked for the same: ${help.need}, ${whereIs(gateway)}`);
    }
    helped.set(help.need, now);
    changed();
    help.deed();
    // What is done again gains no time.
    if (since === undefined) end = now + LIMIT_MS + WORK_MS;
  }
  if (broken.length > 0 || waitsForLong(gateway)) return;
  const left = whatIsLeft(gateway);
  if (left !== '') broken.push(`faults are over, and ${left}: ${whereIs(gateway)}`);
  const open = [...log.accepted].filter((id) => !log.ended.has(id) && gateway.state.scheduled?.id !== id);
  if (left === '' && open.length > 0) broken.push(`a request that was accepted does not end: ${open.length}`);
}

/** A hub was asked for the current leaf since. */
const isAsked = ({ known, world }: Gateway, since: number): boolean =>
  world.questions.some(
    ({ asked, about, from }) => asked === 'connect' && about === known?.current?.thumbprint && from >= since,
  );

/** A hub has refused a leaf that DPS had accepted, which no registration mends where Azure issues. */
const isRefusedLate = ({ world }: Gateway, since: number): boolean =>
  world.azure !== undefined &&
  world.questions.some(
    ({ asked, answer, from }) => asked === 'connect' && answer === 'NL-HUB-REJECTED' && from >= since,
  );

/** The gateway serves on a leaf that is valid, and a far side has asked for a pause of hours: there is time. */
function waitsForLong(gateway: Gateway): boolean {
  const { isOnline, known, world } = gateway;
  return isOnline && known?.current !== undefined && world.isLive(known.current) && isPutOff(gateway, HOUR);
}

/**
 * A candidate rests, and is asked for at the moment that `status` tells; newleaf itself makes another key; or it has answered the
 * person that it is busy, as a registration waits for DPS.
 */
function isPatient({ state, terms }: Gateway, need: string): boolean {
  if (state.next?.rest !== undefined || (need === 'NL-TOKEN-KEY' && terms.automatic)) return true;
  return REGISTERING.has(state.phase);
}

function whereIs({ state }: Gateway): string {
  const { phase, workTrouble, sessionTrouble, request, online } = state;
  const codes = [workTrouble, sessionTrouble].flatMap((met) => met?.failure.code ?? []);
  return `${phase}, ${online ? 'online' : 'offline'}, request ${request?.action ?? 'none'}, ${codes.join(' and ') || 'no trouble'}`;
}

/** A leaf nears its end: no pause is longer than half of what is left of it. Told once for each leaf; again where the clock was set back. */
function endsSoon({ known, clock }: Gateway, ending: Set<string>): boolean {
  const leaves = [known?.current, known?.next?.leaf].filter((leaf) => leaf !== undefined);
  const soon = leaves.filter(({ notAfter }) => notAfter <= clock.now() + HOUR).map(({ thumbprint }) => thumbprint);
  const isNew = soon.some((one) => !ending.has(one));
  for (const { thumbprint } of leaves) ending.delete(thumbprint);
  for (const one of soon) ending.add(one);
  return isNew;
}

/** Keeps what is new in the trail of the journal. */
function note({ state }: Gateway, trail: string[]): void {
  const lines = state.trail.map(
    ({ at, from, to, why, code }) =>
      `${new Date(at).toISOString().slice(8, 19)} ${from} → ${to}: ${why}${code ? ` (${code})` : ''}`,
  );
  const known = new Set(trail.slice(-100));
  trail.push(...lines.reverse().filter((line) => !known.has(line)));
}
