import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Park } from '../e2e/fleet/park.ts';
import type { Entry, LogEvent } from '../simulator/log.ts';
import { Fleet } from './fleet.ts';
import { MINUTE, SECOND } from './stories.ts';

const SIZE = 200;
/** Registrations in each minute that DPS takes: the last gateways come with the fourth. */
const RATE = 60;
const LONG_MS = 10 * MINUTE;
/** How far the model may be beside the real ones, as a share. */
const OFF = 0.2;
/** By then so many serve again. */
const SHARES = [0.5, 0.75] as const;
/** Of these, one real run of four was a minute of the quota behind the model (302 s, and 238), for a reason that is not known. */
const NEARLY_ALL = 0.95;

const names = Array.from({ length: SIZE }, (_, at) => `truck-${String(at + 1).padStart(3, '0')}`);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const nearlyAllOf = (moments: readonly number[]): number =>
  moments[Math.ceil(NEARLY_ALL * SIZE) - 1] ?? Number.POSITIVE_INFINITY;
const secondsOf = (moments: readonly number[]): number[] =>
  [...SHARES.map((share) => moments[Math.ceil(share * SIZE) - 1] ?? Number.POSITIVE_INFINITY), meanOf(moments)].map(
    (ms) => ms / SECOND,
  );

interface Seen {
  /** Seconds until these shares serve, and until a gateway does in the mean. */
  readonly back: readonly number[];
  /** Milliseconds until nearly all serve. */
  readonly nearlyAll: number;
  readonly throttled: number;
}

test('200 real gateways are refused in one moment, and DPS throttles them: the model says what they do', async (t) => {
  const park = await Park.open(t, names, { fleet: 'north' });
  const { far, fleet } = park;
  await Promise.all(names.map((name) => fleet.start(name)));
  await park.until(names, ({ phase }) => phase === 'serving', LONG_MS);
  await far.lay('dps', 'register-quota', { rate: RATE, ms: MINUTE });
  const mark = far.log.entries.length;
  const zero = performance.now();
  for (const name of names) await far.forget(name);
  const back = new Map<string, number>();
  for (let since = mark; back.size < SIZE; ) {
    const connected = await far.log.waitFor({ event: 'connected', server: 'hub1' }, LONG_MS, since);
    since = connected.seq;
    if (!back.has(connected.clientId ?? '')) back.set(connected.clientId ?? '', performance.now() - zero);
  }
  const refused = park.since(mark, 'refused').filter(({ code }) => code === 429001);
  const moments = [...back.values()].toSorted((one, other) => one - other);
  const real = { back: secondsOf(moments), nearlyAll: nearlyAllOf(moments), throttled: refused.length };
  const first = park.since(mark, 'register')[0]?.at ?? 0;
  const asked = park
    .since(mark, 'register')
    .slice(0, SIZE)
    .map(({ at }) => at - first);
  t.diagnostic(`first questions over ${((asked.at(-1) ?? 0) / SECOND).toFixed(1)} s`);
  const late = [...back].toSorted(([, one], [, other]) => other - one).slice(0, SIZE / 10);
  for (const [name] of late) t.diagnostic(storyOf(name, far.log.since(mark), first));
  const model = await modelled();
  t.diagnostic(`real ${told(real)}; model ${told(model)}`);
  for (const [at, seconds] of real.back.entries()) {
    const share = SHARES[at];
    const what = share === undefined ? 'one serves, in the mean' : `${share * 100} % serve`;
    assertNear(seconds, model.back[at], `seconds until ${what}`);
  }
  assert.ok(real.nearlyAll <= model.nearlyAll * (1 + OFF) + MINUTE, `${real.nearlyAll} ms until nearly all serve`);
  assertNear(real.throttled, model.throttled, 'answers 429');
});

const STEPS: ReadonlySet<LogEvent> = new Set(['connack', 'register', 'refused', 'assigned', 'connected']);

/** What the far side has seen of a gateway, in seconds. */
const storyOf = (name: string, entries: readonly Entry[], zero: number): string =>
  [
    name,
    ...entries
      .filter(({ clientId, event }) => clientId === name && STEPS.has(event))
      .map(
        ({ event, code, at }) => `${((at - zero) / SECOND).toFixed(1)} ${event}${code === undefined ? '' : ` ${code}`}`,
      ),
  ].join(' · ');

/** The same with gateways of the model: the mean of some fleets, as 200 are few. */
async function modelled(): Promise<Seen> {
  const all = [1, 2, 3, 4, 5].map(async (seed): Promise<Seen> => {
    const registrations = { count: RATE, ms: MINUTE };
    // The simulator asks for no pause before the poll, and takes every connect.
    const answers = { by: 'window', pollMs: 100, connects: { count: SIZE, ms: 1 } } as const;
    const fleet = await Fleet.open({ kind: 'newleaf', size: SIZE, seed, registrations, ...answers });
    const { clock } = fleet.far.options;
    const zero = clock.monotonic();
    void fleet.far.forget();
    while (clock.monotonic() - zero < LONG_MS) await clock.pass(MINUTE);
    const { outages, registrations: asked } = fleet.far;
    fleet.close();
    const back = outages.map(({ until }) => until - zero).toSorted((one, other) => one - other);
    const nearlyAll = nearlyAllOf(back);
    return { back: secondsOf(back), nearlyAll, throttled: asked.filter(({ status }) => status === 429).length };
  });
  const seen = await Promise.all(all);
  return {
    back: secondsOf([]).map((_, at) => meanOf(seen.map(({ back }) => back[at] ?? 0))),
    nearlyAll: meanOf(seen.map(({ nearlyAll }) => nearlyAll)),
    throttled: meanOf(seen.map(({ throttled }) => throttled)),
  };
}

const told = ({ back, nearlyAll, throttled }: Seen): string =>
  `${[...back, nearlyAll / SECOND].map((s) => s.toFixed(0)).join(', ')} s, ${throttled.toFixed(0)} x 429`;

function assertNear(real = Number.NaN, model = Number.NaN, what = ''): void {
  assert.ok(Math.abs(real / model - 1) <= OFF, `${what}: ${real.toFixed(1)}, by the model ${model.toFixed(1)}`);
}
