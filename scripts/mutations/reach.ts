import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Files of tests that take seconds, and no namespace. hsm/ has few others than those with a token of SoftHSM. */
const TESTS = /^test\/(unit|contract\/(issuer|token))\/.*(?<!\.deep)\.test\.ts$/;
/** The walk is a proof of its own; the others judge how the sources are written, or build them. */
const APART = /\/(walk|mutations|architecture|arrows|bundle|lists|words)\.test\.ts$/;
/** A path in quotes is an import, or a program that a test starts. */
const PATH = /'(\.{1,2}\/[^']+\.ts)'/g;
const OF_TYPES = /^(?:import|export) type [^;]+;/gm;
/** A step inside of the tests says little: what stands around a test is part of it. */
const STEP = { inTests: 1, other: 4 } as const;

const filesIn = (root: string): readonly string[] =>
  ['agent', 'hsm', 'scripts', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.endsWith('.ts')),
  );

/** Which tests reach a file, by what imports what. */
export class Reach {
  /** The files that import a file. */
  readonly #importers = new Map<string, string[]>();

  constructor(root: string) {
    for (const file of filesIn(root)) {
      const text = readFileSync(join(root, file), 'utf8').replace(OF_TYPES, '');
      for (const [, path = ''] of text.matchAll(PATH)) {
        const to = join(dirname(file), path);
        this.#importers.set(to, [...(this.#importers.get(to) ?? []), file]);
      }
    }
  }

  /** The tests of a file, nearest first; those that have its name, or its folder's, count as nearer. */
  testsOf(file: string): readonly string[] {
    const found = [...this.#distances(file)].filter(([name]) => TESTS.test(name) && !APART.test(name));
    const folder = dirname(file).replace(/^agent/, '');
    const strangeness = (test: string) =>
      (basename(test).startsWith(`${basename(file, '.ts')}.`) ? 0 : 2) + (dirname(test).endsWith(folder) ? 0 : 2);
    return found
      .map(([test, far]) => ({ test, far: far + strangeness(test) }))
      .sort((a, b) => a.far - b.far || (a.test < b.test ? -1 : 1))
      .map(({ test }) => test);
  }

  #distances(from: string): ReadonlyMap<string, number> {
    const far = new Map([[from, 0]]);
    // A file that is met again on a shorter way is gone on from once more.
    const open = [from];
    for (const file of open)
      for (const importer of this.#importers.get(file) ?? []) {
        const isInTests = file.startsWith('test/');
        const distance = (far.get(file) ?? 0) + (isInTests ? STEP.inTests : STEP.other);
        if (distance >= (far.get(importer) ?? Number.POSITIVE_INFINITY)) continue;
        far.set(importer, distance);
        open.push(importer);
      }
    return far;
  }
}
