import type { Metafile } from 'esbuild';

/** The packages in bundles: the directory of each, from the repository, and the directories of those that it imports. */
export type Bundled = Readonly<Record<string, readonly string[]>>;

/** Of a package, or undefined for our own file. */
const homeOf = (path: string): string | undefined => /.*node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];

/** What is really in these bundles: a file that esbuild has read, and left out, does not count. */
export function bundledIn(accounts: readonly Metafile[]): Bundled {
  const imported = new Map<string, Set<string>>();
  for (const { inputs, outputs } of accounts) {
    const used = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
    for (const [path, { bytesInOutput }] of used) {
      const home = homeOf(path);
      if (home === undefined || bytesInOutput === 0) continue;
      const of = imported.get(home) ?? new Set();
      for (const { path: other } of inputs[path]?.imports ?? []) of.add(homeOf(other) ?? home);
      imported.set(home, of);
    }
  }
  const homes = [...imported.keys()].sort();
  return Object.fromEntries(
    homes.map((home) => [home, homes.filter((other) => other !== home && imported.get(home)?.has(other))]),
  );
}
