import { FAULTS, type Faults } from './faults.ts';
import { Gateway, HOUR, MINUTE } from './gateway.ts';
import { canServe, PATIENCE_MS, tooOften } from './laws.ts';
import { DEEDS, SPAN_MS, type Vector } from './vector.ts';

/** What came of a vector: the laws that it broke, none where all is well. */
export interface Played {
  readonly broken: readonly string[];
  /** What the machine went through, the oldest first. */
  readonly trail: readonly string[];
}

const LOOK_MS = 10 * MINUTE;

/** Plays a vector: faults and people over ten hours, then everything is put in order, and must come to rest. */
export async function play(vector: Vector, begun: (gateway: Gateway) => void = () => {}): Promise<Played> {
  const gateway = new Gateway(vector.origin);
  const { clock, world, broken } = gateway;
  const changes: number[] = [0];
  const trail: string[] = [];
  const moments = momentsOf(vector);
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
    note(gateway, trail);
    if (endsSoon(gateway, ending)) changes.push(clock.monotonic());
    if (gateway.isOnline || !canServe(gateway)) quiet = clock.monotonic();
    if (clock.monotonic() - quiet > PATIENCE_MS) broken.push('a leaf that would serve is not tried');
  }
  if (broken.length === 0) {
    changes.push(clock.monotonic());
    await heal(gateway, trail, () => changes.push(clock.monotonic()), ending);
  }
  broken.push(...tooOften(world.calls, changes));
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
      ...spells.filter(({ from, until }) => from <= at && at < until).map(({ fault }) => FAULTS.get(fault)),
    );
  return [
    ...[...edges].map((at) => ({ at, happens: (gateway: Gateway) => gateway.lay(laid(at)) })),
    ...deeds.map(({ deed, at }) => ({ at, happens: (gateway: Gateway) => DEEDS[deed](gateway) })),
  ].sort((one, other) => one.at - other.at);
}

/** Faults end, the operator enrolls what the gateway names, and a person does what it asks for. */
async function heal(gateway: Gateway, trail: string[], changed: () => void, ending: Set<string>): Promise<void> {
  const { clock, broken } = gateway;
  gateway.lay({});
  gateway.enroll();
  const end = clock.monotonic() + 2 * PATIENCE_MS;
  for (let helped = false; clock.monotonic() < end && broken.length === 0; ) {
    await clock.pass(LOOK_MS);
    note(gateway, trail);
    if (endsSoon(gateway, ending)) changed();
    gateway.enroll();
    if (isWell(gateway)) return;
    if (helped || clock.monotonic() < end - PATIENCE_MS) continue;
    helped = true;
    changed();
    helpsBy(gateway)();
  }
  const { phase, trouble, request, online } = gateway.state;
  const where = `${phase}, ${online ? 'online' : 'offline'}, request ${request?.action ?? 'none'}, ${trouble?.code ?? 'no trouble'}`;
  if (broken.length === 0) broken.push(`faults are over, and the gateway does not come to rest: ${where}`);
}

/** A leaf nears its end: no pause is longer than half of what is left of it. Told once for each leaf. */
function endsSoon({ known, clock }: Gateway, ending: Set<string>): boolean {
  const soon = [known?.current, known?.next?.leaf].filter(
    (leaf) => leaf !== undefined && leaf.notAfter <= clock.now() + HOUR && !ending.has(leaf.thumbprint),
  );
  for (const leaf of soon) if (leaf) ending.add(leaf.thumbprint);
  return soon.length > 0;
}

/** What `status` would have a person do. */
function helpsBy(gateway: Gateway): () => void {
  const { current } = gateway.state;
  const usable = current !== undefined && gateway.world.has(current.key) && gateway.world.isLive(current);
  if (!gateway.terms.automatic && !usable) return DEEDS['csr and install'].bind(undefined, gateway);
  return () => undefined;
}

function isWell({ state, world, isOnline }: Gateway): boolean {
  const { current, next, request, phase } = state;
  if (current === undefined || !isOnline || phase !== 'serving' || request !== undefined) return false;
  if (next?.parked !== undefined) return false;
  const keys = [...world.token.values()].every(
    (id) => id === current.key.id || id === next?.id || id === state.retire?.id || world.lost.has(id),
  );
  // The hub that was told of another leaf keeps the session, and says so when it ends.
  return world.isLive(current) && world.session?.thumbprint === current.thumbprint && keys;
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
