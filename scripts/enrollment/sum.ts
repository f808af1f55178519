import { codeOf, endsWithin, onboardingEndsWithin, type Seen } from './newleaf.ts';

/** How many have each value, the most first. */
export type Counts = Readonly<Record<string, number>>;

/** How many have each value; those that have none are left out. */
export function counted(devices: readonly Seen[], told: (one: Seen) => string | null | undefined): Counts {
  const counts = new Map<string, number>();
  const values = devices.map(told).filter((one) => one != null);
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
}

/** The whole fleet in numbers. Stable: `--json`. */
export function fleetOf(devices: readonly Seen[], now: number, days: number) {
  return {
    devices: devices.length,
    connected: devices.filter(({ connected }) => connected).length,
    disabled: devices.filter(({ status }) => status === 'disabled').length,
    withoutNewleaf: devices.filter(({ newleaf }) => newleaf === undefined).length,
    phase: counted(devices, ({ newleaf }) => newleaf?.phase),
    next: counted(devices, ({ newleaf }) => newleaf?.next?.standing),
    alarm: counted(devices, ({ newleaf }) => newleaf?.alarm),
    expired: devices.filter(endsWithin(0, now)).length,
    endsWithinDays: { days, devices: devices.filter(endsWithin(days, now)).length },
    onboarding: {
      devices: devices.filter(({ newleaf }) => newleaf?.onboarding?.thumbprint != null).length,
      expired: devices.filter(onboardingEndsWithin(0, now)).length,
      endsWithinDays: devices.filter(onboardingEndsWithin(days, now)).length,
    },
    last: counted(devices, ({ newleaf }) => newleaf?.last?.outcome),
    codes: counted(devices, codeOf),
    uplinkCodes: counted(devices, ({ newleaf }) => newleaf?.uplink?.codes?.join(' ') || undefined),
    version: counted(devices, ({ newleaf }) => newleaf?.version),
  };
}

export type Sum = ReturnType<typeof fleetOf>;
