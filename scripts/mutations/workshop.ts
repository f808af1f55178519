import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Ended, Report } from './report.ts';

/** What a clone holds that no test reads. */
const NOT_COPIED = /^(\.git|\.cache|\.ci|node_modules|dist)$/;
/** No test takes longer: this one has met a breakage that never ends. */
const SILENT_MS = 60_000;
/**
 * A broken product may end any process and delete any file: it gets processes of its own, and a file system that only the place
 * for temporary files can be written to. Root alone may do so; another user has less to lose.
 */
const apart = (kept: string, temporary: string): readonly string[] => [
  ...[
    'unshare',
    '--mount',
    '--propagation',
    'unchanged',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
  ],
  // The shell stays, because a signal does nothing to a process 1 that does not await it.
  `mount --bind ${kept} ${kept} && mount --bind ${temporary} /tmp && mount -o remount,bind,ro / && "$@"; exit $?`,
  'sh',
];
function mayBeApart([command = '', ...args]: readonly string[], root: string): boolean {
  try {
    // A clone in /tmp would not be seen.
    execFileSync(command, [...args, 'test', '-e', root], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Files of tests that share a process. */
export type Groups = readonly (readonly string[])[];
/** Whether a file of tests passes on the product as it is; all workshops share what one has found. */
export type Clean = Map<string, Promise<boolean>>;

/** A copy of newleaf in which one breakage after the other is judged: the working tree is not touched, and may change meanwhile. */
export class Workshop {
  readonly #root: string;
  readonly #kept: string;
  readonly #temporary: string;
  readonly #isApart: boolean;
  readonly #argv: readonly string[];
  readonly #clean: Clean;

  constructor(root: string, place: string, node: readonly string[], clean: Clean) {
    this.#root = join(place, 'copy');
    this.#kept = join(place, 'w');
    this.#temporary = join(this.#kept, 't');
    this.#clean = clean;
    mkdirSync(this.#root, { recursive: true });
    this.#emptied();
    for (const name of readdirSync(root))
      if (!NOT_COPIED.test(name)) cpSync(join(root, name), join(this.#root, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(this.#root, 'node_modules'));
    const argv = apart(this.#kept, this.#temporary);
    this.#isApart = mayBeApart(argv, this.#root);
    this.#argv = [...(this.#isApart ? argv : []), ...node];
  }

  /** Adds a file that is not in the tree. */
  write(file: string, text: string): void {
    writeFileSync(join(this.#root, file), text);
  }

  /**
   * How tests end, run one after the other to the first failure, with another text in a file. A test that fails or is too slow
   * on the product as it is, is left out; beside one that a breakage makes endless, another may fail.
   */
  async judge(file: string, text: { readonly is: string; readonly was: string }, groups: Groups): Promise<Ended> {
    let late: Ended | undefined;
    for (let tests of groups) {
      for (;;) {
        tests = await this.asked(tests);
        if (tests.length === 0) break;
        this.write(file, text.is);
        const ended = await this.#run(tests).finally(() => this.write(file, text.was));
        if (ended.is === 'passed') break;
        if (!(await this.#isClean(ended.test))) continue;
        if (ended.is === 'failed' || late !== undefined) return ended;
        late = ended;
        tests = tests.slice(tests.indexOf(ended.test) + 1);
      }
    }
    return late ?? { is: 'passed' };
  }

  /** Those of them that are not left out. */
  async asked(tests: readonly string[]): Promise<readonly string[]> {
    const known = await Promise.all(tests.map((test) => this.#clean.get(test) ?? true));
    return tests.filter((_, i) => known[i]);
  }

  #isClean(test: string): Promise<boolean> {
    const known = this.#clean.get(test);
    if (known !== undefined) return known;
    const asked = this.#run([test]).then(({ is }) => is === 'passed');
    this.#clean.set(test, asked);
    return asked;
  }

  /** A place for temporary files that any user may use, as tests become others. */
  #emptied(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
    mkdirSync(this.#temporary, { recursive: true });
    chmodSync(this.#temporary, 0o1777);
  }

  async #run(tests: readonly string[]): Promise<Ended> {
    this.#emptied();
    const report = new Report(tests[0] ?? '');
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const [command = '', ...args] = this.#argv;
    const child = spawn(command, [...args, '--test-force-exit', '--test-reporter=tap', 'test/together.ts', ...tests], {
      cwd: this.#root,
      env: {
        ...env,
        TMPDIR: this.#isApart ? '/tmp' : this.#temporary,
        NODE_COMPILE_CACHE: join(this.#kept, 'compiled'),
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const timer = setTimeout(() => {
      report.late();
      child.kill('SIGKILL');
    }, SILENT_MS);
    createInterface(child.stdout).on('line', (line) => {
      const heard = report.read(line);
      if (heard === 'ok') timer.refresh();
      else if (heard === 'failed') child.kill('SIGKILL');
    });
    // What a test has left behind may hold the pipe.
    child.on('exit', () => setTimeout(() => child.stdout.destroy(), 1000).unref());
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    clearTimeout(timer);
    return report.ended(code);
  }
}
