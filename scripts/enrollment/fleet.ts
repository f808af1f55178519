import { printable } from '../../agent/cli/kit/screen.ts';
import { valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Call } from './command.ts';
import { Hub } from './hub.ts';
import { daysOf, JSON_OPTION, WHERE_OPTION, whereOf } from './list.ts';
import { codeOf, devicesWhere, endsWithin, type Seen } from './newleaf.ts';
import { KEPT } from './outcome.ts';
import { count } from './screen.ts';

export const FLEET_OPTIONS = {
  ...WHERE_OPTION,
  days: valued('DAYS', 'Leaves that end within so many days are counted. Default 30.'),
  ...JSON_OPTION,
} as const;

const SOON_DAYS = 30;

type Counts = Readonly<Record<string, number>>;

/** How many have each value; those that have none are left out. */
function counted(devices: readonly Seen[], told: (one: Seen) => string | null | undefined): Counts {
  const counts = new Map<string, number>();
  const values = devices.map(told).filter((one) => one != null);
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, one], [, other]) => other - one));
}

/** The whole fleet in numbers. Stable: `--json`. */
function fleetOf(devices: readonly Seen[], now: number, days: number) {
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
    last: counted(devices, ({ newleaf }) => newleaf?.last?.outcome),
    codes: counted(devices, codeOf),
    uplinkCodes: counted(devices, ({ newleaf }) => newleaf?.uplink?.codes?.join(' ') || undefined),
    version: counted(devices, ({ newleaf }) => newleaf?.version),
  };
}

const inWords = (counts: Counts): string =>
  Object.entries(counts)
    .map(([value, many]) => `${many} ${value}`)
    .join(', ') || 'none';

/** `enroll fleet [--where CONDITION]`: how the fleet is, in numbers. */
export async function fleet(call: Call): Promise<number> {
  const { desk, options } = call;
  const [condition, days = SOON_DAYS] = [whereOf(call), daysOf(call)];
  const all = await devicesWhere(await Hub.open(call), condition);
  const sum = fleetOf(all, desk.now(), days);
  if (options.json === true) {
    desk.out.write(`${JSON.stringify({ schema: 1, ...sum }, undefined, 2)}\n`);
    return EXIT.done;
  }
  const { devices, connected, disabled, withoutNewleaf, expired, endsWithinDays } = sum;
  const lines: readonly (readonly [label: string, text: string])[] = [
    ['devices', `${devices}: ${connected} connected, ${disabled} disabled, ${withoutNewleaf} without newleaf`],
    ['phase', inWords(sum.phase)],
    ['next leaf', inWords(sum.next)],
    ['leaf ends', `${endsWithinDays.devices} within ${count(days, 'day')}, ${expired} of them ended`],
    ['alarm', inWords(sum.alarm)],
    ['last', inWords(sum.last)],
    ['codes', inWords(sum.codes)],
    ['programs', `faults: ${inWords(sum.uplinkCodes)}`],
    ['version', inWords(sum.version)],
  ];
  desk.out.write(lines.map(([label, text]) => `${label.padEnd(11)}${printable(text)}\n`).join(''));
  if (sum.last.kept) desk.out.write(KEPT);
  return EXIT.done;
}
