import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
export const ENTER = join(ROOT, 'scripts', 'container', 'enter');

/** A new directory that is not in memory, as /tmp may be. */
export function onDisk(name: string): string {
  const cache = join(ROOT, '.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, `${name}-`));
}

export type Form = 'deb' | 'deb-nodejs' | 'tar';
export type Architecture = 'amd64' | 'arm64';

/** What this machine is. */
export const NATIVE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Returns the path of a package, which scripts/test may have made; else makes it as `scripts/package --quick` does. */
export function build(form: Form, architecture: Architecture, env?: NodeJS.ProcessEnv): string {
  const made = process.env[`NEWLEAF_TEST_${form.toUpperCase().replace('-', '_')}`];
  if (made !== undefined && architecture === NATIVE && env === undefined) return made;
  const printed = execFileSync(join(ROOT, 'scripts', 'package'), ['--quick', form, architecture], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return join(ROOT, printed.toString().trim());
}

/** A root file system of its own. */
export class Root {
  readonly directory: string;
  readonly #enter: readonly string[];

  constructor(directory: string, architecture: Architecture) {
    this.directory = directory;
    this.#enter = [ENTER, ...(architecture === NATIVE ? [] : [`--${architecture}`]), directory];
  }

  /** The command as this machine runs it. */
  command(...argv: readonly string[]): readonly string[] {
    return [...this.#enter, ...argv];
  }

  /** Runs a command to its end, and returns what it prints (stdout, then stderr); throws where it fails. */
  run(...argv: readonly string[]): string {
    return this.runWith({}, ...argv);
  }

  /** The same, with these variables. */
  runWith(env: NodeJS.ProcessEnv, ...argv: readonly string[]): string {
    const [program = '', ...args] = this.command(...argv);
    const { status, stdout, stderr } = spawnSync(program, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}\n${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  }

  /** Runs a command to its end while this process goes on, as a server of the command may live in it; throws where it fails. */
  async runBeside(...argv: readonly string[]): Promise<string> {
    const [program = '', ...args] = this.command(...argv);
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 2 ** 24,
    });
    return `${stdout}${stderr}`;
  }

  /** Where a path of this root is on this machine. */
  path(path: string): string {
    return join(this.directory, path);
  }
}

/** What the package depends on, and what its dependencies need to run. */
const UNPACKED = ['base-files', 'coreutils', 'dash', 'libc6', 'libstdc++6', 'libgcc-s1', 'libssl3t64'].concat([
  'libengine-pkcs11-openssl',
  'softhsm2',
  'ca-certificates',
]);

/**
 * A Debian without newleaf, that goes with the test. The packages of another architecture are unpacked only: their scripts
 * would run in emulation, for minutes.
 */
export function debian(t: TestContext, architecture: Architecture = NATIVE): Root {
  const directory = onDisk('root');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  if (architecture === NATIVE) {
    const made = execFileSync(join(ROOT, 'test', 'system', 'rootfs'), { encoding: 'utf8' }).trim();
    execFileSync('cp', ['--archive', '--reflink=auto', `${made}/.`, directory]);
  } else {
    const options = ['--quiet', '--mode=root', `--architectures=${architecture}`, '--variant=extract'];
    execFileSync('mmdebstrap', [...options, `--include=${UNPACKED.join(',')}`, 'trixie', directory], { stdio: 'pipe' });
    // mmdebstrap leaves none, and without it there is no localhost.
    writeFileSync(join(directory, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  }
  return new Root(directory, architecture);
}
