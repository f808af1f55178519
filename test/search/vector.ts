import { diceOf } from './dice.ts';
import { FAULTS } from './faults.ts';
import { DAY, type Gateway, HOUR, MINUTE, type Origin } from './gateway.ts';

/** What people, and luck, do to a gateway at one moment. */
export const DEEDS = {
  reprovision: (gateway) => gateway.ask({ kind: 're-register', from: 'technician', delayMs: 0 }),
  roll: (gateway) => gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0 }),
  'roll --discard': (gateway) => gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0, discard: true }),
  'method reprovision': (gateway) => gateway.ask({ kind: 're-register', from: 'method', delayMs: 0 }),
  'method reprovision, delayed': (gateway) => gateway.ask({ kind: 're-register', from: 'method', delayMs: HOUR }),
  'method roll': (gateway) => gateway.ask({ kind: 'roll', from: 'method', delayMs: 0 }),
  csr: (gateway) => gateway.ask({ kind: 'csr', from: 'technician' }),
  'csr --new-key': (gateway) => gateway.ask({ kind: 'csr', from: 'technician', newKey: true }),
  'csr and install': (gateway) => void gateway.bring().catch(() => {}),
  'power cut': (gateway) => gateway.cutPower(),
  'link drops': (gateway) => gateway.world.endSession(),
  'hub forgets the device': ({ world }) => {
    world.registry.clear();
    world.endSession();
  },
  'enrollment disabled': ({ world }) => {
    world.enabled = false;
  },
  'enrollment enabled': ({ world }) => {
    world.enabled = true;
  },
  'operator enrolls': (gateway) => gateway.enroll(),
  'current leaf taken out': ({ world, known }) => {
    if (known?.current) world.enrolled.delete(known.current.thumbprint);
  },
  'moved to hub2': ({ world }) => {
    world.assigns = 'hub2';
  },
  'hub1 is gone': ({ world }) => {
    world.gone.add('hub1');
    world.assigns = 'hub2';
    if (world.session?.hub === 'hub1') world.endSession();
  },
  'key of the candidate is lost': ({ world, known }) => {
    if (known?.next?.id !== undefined && known.next.id !== known.current?.key.id) world.lost.add(known.next.id);
  },
  'clock 2 hours ahead': ({ clock }) => clock.step(2 * HOUR),
  'clock 2 hours back': ({ clock }) => clock.step(-2 * HOUR),
} satisfies Record<string, (gateway: Gateway) => void>;
export type Deed = keyof typeof DEEDS;

/** A fault that is there for a while. */
export interface Spell {
  readonly fault: string;
  /** Since the begin, in milliseconds. */
  readonly from: number;
  readonly until: number;
}

export interface Vector {
  readonly origin: Origin;
  readonly spells: readonly Spell[];
  readonly deeds: readonly { readonly deed: Deed; readonly at: number }[];
}

/** How long faults are laid, in milliseconds. */
export const SPAN_MS = 10 * HOUR;

const LEFT = [0.2 * HOUR, 3 * HOUR, 6 * HOUR, 24 * HOUR, 30 * DAY];
const LIFETIMES = [5 * HOUR, 24 * HOUR, 30 * DAY];

/** The vector of a seed: always the same. */
export function vectorOf(seed: number): Vector {
  const draw = diceOf(seed);
  const upTo = (count: number) => Math.floor(draw() * count);
  const oneOf = <T>(list: readonly T[]): T => list[upTo(list.length)] as T;
  const moment = () => Math.round((draw() * SPAN_MS) / MINUTE) * MINUTE;
  const spells = Array.from({ length: 1 + upTo(3) }, () => {
    const from = draw() < 0.3 ? 0 : moment();
    const until = draw() < 0.5 ? SPAN_MS : Math.min(SPAN_MS, from + Math.round((draw() * 3 * HOUR) / MINUTE) * MINUTE);
    return { fault: oneOf([...FAULTS.keys()]), from, until };
  });
  const deeds = Array.from({ length: upTo(5) }, () => ({ deed: oneOf(Object.keys(DEEDS) as Deed[]), at: moment() }));
  return {
    origin: {
      seed,
      enrollment: draw() < 0.5 ? 'group' : 'individual',
      begins: draw() < 0.15 ? 'new' : 'serving',
      leftMs: oneOf(LEFT),
      lifetimeMs: oneOf(LIFETIMES),
      automatic: draw() < 0.85,
    },
    spells,
    deeds: deeds.sort((one, other) => one.at - other.at),
  };
}

const clock = (ms: number) =>
  `${String(Math.floor(ms / HOUR)).padStart(2, '0')}:${String(Math.floor((ms % HOUR) / MINUTE)).padStart(2, '0')}`;

/** A vector as a story. */
export function told({ origin, spells, deeds }: Vector): string {
  const { enrollment, begins, leftMs, lifetimeMs, automatic, seed } = origin;
  const first = begins === 'new' ? 'a new gateway' : `a leaf with ${leftMs / HOUR} h left`;
  const issuer = automatic ? `leaves of ${lifetimeMs / HOUR} h` : 'a person brings leaves';
  const lines = [
    ...spells.map(({ fault, from, until }) => ({ at: from, line: `${clock(from)} to ${clock(until)}  ${fault}` })),
    ...deeds.map(({ deed, at }) => ({ at, line: `${clock(at)}           ${deed}` })),
  ].sort((one, other) => one.at - other.at);
  return [`seed ${seed}: ${enrollment} enrollment, ${first}, ${issuer}`, ...lines.map(({ line }) => line)].join('\n');
}
