import { AZURE_OCCASIONS, AZURE_STAYS } from './azure/lasting.ts';
import { faultOf } from './faults.ts';
import { DAY, Gateway, HOUR, MINUTE } from './gateway.ts';
import type { Origin } from './origin.ts';
import { enroll } from './people.ts';
import { CALLS, type Call } from './world.ts';

/** What makes a gateway need what is at fault. */
export interface Occasion {
  readonly leftMs: number;
  readonly lifetimeMs?: number;
  readonly enrollment?: Origin['enrollment'];
  readonly happens: (gateway: Gateway) => void;
}

/** A fault that stays until it ends. */
export interface Stay {
  readonly begin: (gateway: Gateway) => void;
  readonly end: (gateway: Gateway) => void;
}

const drop = ({ world }: Gateway): void => world.endSession();

const OCCASIONS: Readonly<Record<string, Occasion>> = {
  'the link drops': { leftMs: 80 * DAY, happens: drop },
  'the hub refuses the leaf': {
    leftMs: 80 * DAY,
    happens: ({ world }) => {
      world.registry.clear();
      world.endSession();
    },
  },
  'the leaf is due, and ends after 20 days': { leftMs: 20 * DAY, happens: () => undefined },
  'the leaf ends after 8 hours, and the link drops': { leftMs: 8 * HOUR, happens: drop },
  'the same with an individual enrollment': { leftMs: 8 * HOUR, enrollment: 'individual', happens: drop },
  'leaves of 3 hours, an individual enrollment, and the link drops': {
    leftMs: 2 * HOUR,
    lifetimeMs: 3 * HOUR,
    enrollment: 'individual',
    happens: drop,
  },
};

/** What a fault costs that stays, the worst of all occasions. */
export interface Row {
  readonly fault: string;
  /** Registrations that DPS hears of, in the worst of all hours. */
  readonly worstHour: number;
  /** The most of any day after that. */
  readonly aDay: Readonly<Record<Call, number>>;
  /** How much of the time a session is open: the least, in percent. */
  readonly online: number;
  /** From the end of the fault to an open session, in minutes: the most. */
  readonly back: number;
}

const ORIGIN: Omit<Origin, 'leftMs'> = {
  seed: 1,
  enrollment: 'group',
  begins: 'serving',
  lifetimeMs: 90 * DAY,
  automatic: true,
};

/** After this a gateway that is not back has no way left, in minutes. */
const NEVER = 300;

const layOf = (fault: string): Stay => ({
  begin: (gateway) => gateway.lay(faultOf(fault)),
  end: (gateway) => gateway.lay({}),
});

/**
 * Lays one fault for so many days, once for each occasion; one of Azure meets a gateway whose leaves Azure issues.
 * @throws Error where the daemon itself fails
 */
export async function last(fault: string, days: number): Promise<Row> {
  const ofAzure = AZURE_STAYS.get(fault);
  const { begin, end } = ofAzure ?? layOf(fault);
  const rows: Row[] = [];
  for (const { happens, ...origin } of Object.values(ofAzure ? AZURE_OCCASIONS : OCCASIONS)) {
    const { leftMs } = origin;
    const gateway = new Gateway({ ...ORIGIN, ...origin, ...(ofAzure && { onboardingLeftMs: 1_000 * DAY }) });
    gateway.start();
    // A renewal that is due begins as soon as the daemon runs: the fault must be there by then.
    if (leftMs > 30 * DAY) await gateway.clock.pass(10 * MINUTE);
    begin(gateway);
    const from = gateway.clock.monotonic();
    happens(gateway);
    const online = await spend(gateway, days);
    const counted = { fault, ...countsOf(gateway, from, days), online, back: 0 };
    end(gateway);
    rows.push({ ...counted, back: await backAfter(gateway) });
    gateway.stop();
    if (gateway.broken.length > 0) throw new Error(`${fault}: ${gateway.broken.join(', ')}`);
  }
  return rows.reduce(worse);
}

async function spend(gateway: Gateway, days: number): Promise<number> {
  let open = 0;
  const looks = days * 24;
  for (let look = 0; look < looks; look += 1) {
    await gateway.clock.pass(HOUR);
    if (gateway.isOnline) open += 1;
  }
  return Math.round((100 * open) / looks);
}

async function backAfter(gateway: Gateway): Promise<number> {
  let minutes = 0;
  for (; minutes < NEVER && !gateway.isOnline; minutes += 1) {
    enroll(gateway);
    await gateway.clock.pass(MINUTE);
  }
  return minutes;
}

function countsOf({ world: { calls } }: Gateway, from: number, days: number): Pick<Row, 'worstHour' | 'aDay'> {
  const within = (call: Call, begin: number, end: number) =>
    calls[call].filter((at) => at >= from + begin && at < from + end).length;
  const most = (call: Call) =>
    Math.max(...Array.from({ length: days }, (_, day) => within(call, HOUR + day * DAY, HOUR + (day + 1) * DAY)));
  return {
    worstHour: Math.max(
      ...calls['reach DPS'].map((first) => within('reach DPS', first - from, first - from + HOUR)),
      0,
    ),
    aDay: Object.fromEntries(CALLS.map((call) => [call, most(call)])) as Record<Call, number>,
  };
}

function worse(one: Row, other: Row): Row {
  const aDay = Object.fromEntries(CALLS.map((call) => [call, Math.max(one.aDay[call], other.aDay[call])]));
  return {
    fault: one.fault,
    worstHour: Math.max(one.worstHour, other.worstHour),
    aDay: aDay as Record<Call, number>,
    online: Math.min(one.online, other.online),
    back: Math.max(one.back, other.back),
  };
}
