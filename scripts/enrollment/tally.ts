import { type Screen, safe, wrap } from '../../agent/cli/kit/screen.ts';
import { ADMIT_CA, those } from './device.ts';
import { NAME } from './name.ts';
import type { Outcome } from './outcome.ts';
import { isDone, type Run, sumOf } from './run.ts';
import { count } from './screen.ts';

/** The advice for devices whose new leaf DPS does not admit. Hub and twins do not tell what a device is enrolled by. */
const enrollThem = (ids: readonly string[], condition: string | undefined): string =>
  `Enroll the new leaf, which the device sends:
  ${NAME} set-secondary ${those(ids, condition)} --from-device
Or, of a group, the CA that issued it:
  ${ADMIT_CA}
`;
/** The advice where DPS says that the enrollment is disabled: another leaf would be refused, too. */
const allowThem = ([first, ...more]: readonly string[]): string =>
  `DPS says: the enrollment is disabled. Allow it again${more.length === 0 ? '' : `, each (here the first of ${1 + more.length})`}:
  ${NAME} allow member ${first}
With an individual enrollment of its own: allow device ${first}. A whole group: allow group NAME.
`;
/** @param earlier the ID of the request, or the file of its report */
export const callAgain = (earlier: string): string =>
  `To call only those again that are not done:\n  ${NAME} reprovision --retry ${earlier}\n`;
/** Reasons that are shown: those with the most devices. All fit on a screen of 80x24 with the sum. */
const MOST_GROUPS = 5;
const INDENT = ' '.repeat(8);

/** Devices with the same result for the same reason. */
type Group = readonly Outcome[];

/** The groups that are shown: those with the most devices come first. The others are counted, in a line. */
export function groupsOf<T>(devices: readonly T[], reasonOf: (one: T) => string): { shown: T[][]; others: string } {
  const groups = new Map<string, T[]>();
  for (const one of devices) {
    const reason = reasonOf(one);
    groups.set(reason, [...(groups.get(reason) ?? []), one]);
  }
  const all = [...groups.values()].toSorted((one, other) => other.length - one.length);
  const others = all.slice(MOST_GROUPS);
  const line = `And for ${count(others.length, 'more reason')}: ${count(others.flat().length, 'device')}.\n`;
  return { shown: all.slice(0, MOST_GROUPS), others: others.length === 0 ? '' : line };
}

/** As many names as one line has room for. */
export function names(ids: readonly string[], room: number): string {
  const whole = ids.join(', ');
  if (whole.length <= room) return whole;
  const more = (shown: number): string => ` … and ${ids.length - shown} more`;
  let shown = 1;
  while (ids.slice(0, shown + 1).join(', ').length + more(shown + 1).length + 2 <= room) shown += 1;
  return `${ids.slice(0, shown).join(', ')}${more(shown)}`;
}

function groupText(group: Group, screen: Screen): string {
  const [first] = group;
  const head = { first: `${String(group.length).padStart(6)}  `, rest: INDENT };
  const line = names(group.map(({ deviceId }) => deviceId).toSorted(), screen.width - INDENT.length);
  const leaf = group.length === 1 && first?.next !== undefined ? [`${INDENT}${first.next}`] : [];
  return [...wrap(screen, first?.reason ?? '', head), `${INDENT}${safe(screen, line)}`, ...leaf]
    .join('\n')
    .concat('\n');
}

/**
 * The groups, and what to do for those whose new leaf waits.
 * @param condition that all devices met, where it is known
 */
export function report({ devices }: Run, waitedMs: number | undefined, screen: Screen, condition?: string): string {
  const waited = Math.round((waitedMs ?? 0) / 1_000);
  const titles: readonly (readonly [result: Outcome['result'], title: string])[] = [
    ['not-asked', 'Not asked:'],
    ['waiting', waited === 0 ? 'Not back yet:' : `Did not come back within ${waited} s:`],
    ['otherwise', 'Ended otherwise:'],
  ];
  // Where they were not waited for, it is no news that they are not back.
  const undone = devices.filter((one) => !isDone(one) && (waitedMs !== undefined || one.result !== 'waiting'));
  const { shown, others } = groupsOf(undone, ({ result, reason }) => `${result} ${reason}`);
  const parts = titles.map(([result, title]) => {
    const own = shown.filter(([first]) => first?.result === result).map((group) => groupText(group, screen));
    return own.length === 0 ? '' : `${title}\n${own.join('')}`;
  });
  const idsOf = (which: (one: Outcome) => boolean): string[] => undone.filter(which).map(({ deviceId }) => deviceId);
  const isBarred = ({ code }: Outcome): boolean => code === 'NL-DPS-DISABLED';
  const barred = idsOf(isBarred);
  const parked = idsOf((one) => one.next !== undefined && !isBarred(one));
  const cures = [
    barred.length === 0 ? '' : allowThem(barred),
    parked.length === 0 ? '' : enrollThem(parked, condition),
  ];
  return [...parts, others, ...cures].join('');
}

export function sumText({ devices }: Run, waitedMs: number | undefined): string {
  const { done, otherwise, waiting, 'not-asked': missed } = sumOf(devices);
  if (waitedMs === undefined) {
    return `${count(devices.length, 'device')}: ${waiting} asked, ${missed} not asked. Not waited for.\n`;
  }
  const rest = `${otherwise} otherwise, ${waiting} did not come back, ${missed} not asked`;
  return `${count(devices.length, 'device')}: ${done} came back, ${rest}.\n`;
}
