const DAY_MS = 86_400_000;
const WEEKS = 26;
/** Months that are shown as a calendar. */
const MONTHS = 4;

type Ends = Readonly<Record<string, number>>;

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
export const dayOf = (date: string): number => Number(date.slice(8));

/** Leaves that end in each of the next weeks; before these, those that have ended, and after them, all others. */
export function weeksOf(ends: Ends, now: string): Ends {
  const from = Date.parse(now.slice(0, 10));
  const weeks = Array.from({ length: WEEKS }, (_, at) => [day(from + at * 7 * DAY_MS), 0] as [string, number]);
  let [ended, later] = [0, 0];
  for (const [date, many] of Object.entries(ends)) {
    if (date === 'ended') {
      ended += many;
      continue;
    }
    const week = weeks[Math.floor((Date.parse(date) - from) / (7 * DAY_MS))];
    if (week === undefined) later += many;
    else week[1] += many;
  }
  const shown = weeks.slice(0, 1 + weeks.findLastIndex(([, many]) => many > 0));
  return { ended, ...Object.fromEntries(shown), later };
}

/** The days of the next months in weeks from Monday on; undefined before the first and after the last of a month. */
export function calendar(
  ends: Ends,
  now: string,
): { readonly title: string; readonly weeks: (string | undefined)[][] }[] {
  const first = new Date(`${now.slice(0, 7)}-01T00:00:00Z`);
  const months = Array.from({ length: MONTHS }, (_, at) => {
    const month = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + at, 1));
    const length = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
    const days = Array.from({ length }, (_, index) => day(month.getTime() + index * DAY_MS));
    const cells = [...Array<undefined>((month.getUTCDay() + 6) % 7).fill(undefined), ...days];
    const weeks: (string | undefined)[][] = [];
    while (cells.length > 0) weeks.push(Array.from({ length: 7 }, () => cells.shift()));
    const title = month.toLocaleDateString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
    const many = days.reduce((sum, date) => sum + (ends[date] ?? 0), 0);
    return { title: `${title}: ${many} ${many === 1 ? 'leaf ends' : 'leaves end'}`, weeks };
  });
  return months;
}
