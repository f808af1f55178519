import { textOption } from '../../agent/cli/kit/command.ts';
import { printable } from '../../agent/cli/kit/screen.ts';
import { valued } from '../../agent/cli/kit/tool.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import type { Call } from './command.ts';
import { Hub } from './hub.ts';
import { daysOf, JSON_OPTION, WHERE_OPTION, whereOf } from './list.ts';
import { devicesWhere } from './newleaf.ts';
import { KEPT } from './outcome.ts';
import { count } from './screen.ts';
import { type Counts, fleetOf } from './sum.ts';

export const FLEET_OPTIONS = {
  ...WHERE_OPTION,
  days: valued('DAYS', 'Leaves that end within so many days are counted. Default 30.'),
  html: valued('FILE', 'Write a page about the fleet into this file: for any browser, without a network.'),
  ...JSON_OPTION,
} as const;

const SOON_DAYS = 30;

const inWords = (counts: Counts): string =>
  Object.entries(counts)
    .map(([value, many]) => `${many} ${value}`)
    .join(', ') || 'none';

/** `enroll fleet [--where CONDITION]`: how the fleet is, in numbers. */
export async function fleet(call: Call): Promise<number> {
  const { desk, options } = call;
  const [condition, days = SOON_DAYS] = [whereOf(call), daysOf(call)];
  const hub = await Hub.open(call);
  const all = await devicesWhere(hub, condition);
  const sum = fleetOf(all, desk.now(), days);
  const file = textOption(call, 'html');
  if (file !== undefined) {
    const { fleetFile } = await import('./page/file.ts');
    await fleetFile(file, { hub: hub.host, condition, devices: all, sum, now: desk.now() });
    desk.err.write(`${printable(file)} has the page.\n`);
  }
  if (options.json === true) {
    desk.out.write(`${JSON.stringify({ schema: 1, ...sum }, undefined, 2)}\n`);
    return EXIT.done;
  }
  const { devices, connected, disabled, withoutNewleaf, expired, endsWithinDays, onboarding } = sum;
  const lines: readonly (readonly [label: string, text: string])[] = [
    ['devices', `${devices}: ${connected} connected, ${disabled} disabled, ${withoutNewleaf} without newleaf`],
    ['phase', inWords(sum.phase)],
    ['next leaf', inWords(sum.next)],
    ['leaf ends', `${endsWithinDays.devices} within ${count(days, 'day')}, ${expired} of them ended`],
    ...(onboarding.devices > 0
      ? [
          [
            'onboarding',
            `${onboarding.endsWithinDays} of ${onboarding.devices} certificates end within ${count(days, 'day')}, ${onboarding.expired} of them ended`,
          ] as const,
        ]
      : []),
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
