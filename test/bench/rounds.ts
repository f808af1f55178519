/** The least that a median is taken of. */
export const ROUNDS = 7;
/** Of what takes less than a second: between two series, the median of seven bare Nodes moved by a fifth. */
export const SHORT_ROUNDS = 21;

/** A figure of several runs. */
export interface Sample {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

type Figures = Readonly<Record<string, number>>;
type Samples<F> = { readonly [Name in keyof F]: Sample };
type Subjects<S extends Record<string, Figures>> = { readonly [Name in keyof S]: () => Promise<S[Name]> };

/** Runs each subject in turn, again and again: what else the machine does meets all of them alike. */
export async function roundRobin<S extends Record<string, Figures>>(
  subjects: Subjects<S>,
  rounds = ROUNDS,
): Promise<{ readonly [Name in keyof S]: Samples<S[Name]> }> {
  const found = new Map<string, Figures[]>(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries<() => Promise<Figures>>(subjects)) found.get(name)?.push(await run());
  }
  // The names are those of the subjects, and of what each has returned.
  return Object.fromEntries([...found].map(([name, runs]) => [name, samplesOf(runs)])) as {
    [Name in keyof S]: Samples<S[Name]>;
  };
}

function samplesOf(runs: readonly Figures[]): Record<string, Sample> {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, sampleOf(runs.map((run) => run[name] ?? Number.NaN))]));
}

/** @param values at least one */
export function sampleOf(values: readonly number[]): Sample {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, least: at(0), most: at(sorted.length - 1) };
}
