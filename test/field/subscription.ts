import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { buildSync } from 'esbuild';
import { Control } from '../simulator/control.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import type { Switches } from '../simulator/switches.ts';
import type { Cloud, Plan } from './az.ts';

const WITNESS =
  "require('node:fs').appendFileSync(process.env.NEWLEAF_FAKE_AZ + '/argv', process.argv.join(' ') + '\\n');\n";
const ROOT = join(import.meta.dirname, '..', '..');

const built = mkdtempSync(join(tmpdir(), 'newleaf-az-'));
process.once('exit', () => rmSync(built, { recursive: true, force: true }));
/** In one file: by tsx it takes half a second until it begins. */
const AZ = join(built, 'az.mjs');
buildSync({
  entryPoints: [join(import.meta.dirname, 'az.ts')],
  outfile: AZ,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
});

interface Called {
  readonly what: 'begun' | 'done';
  readonly verb: string;
  readonly argv: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  /** Both streams, as a person sees them. */
  readonly screen: string;
}

/** A run of the kit. */
export interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ended>;
  /** Resolves when the screen shows it, and rejects where the kit ends before. */
  shows(words: RegExp): Promise<void>;
  /** Ctrl-C at a terminal reaches every process of the foreground. */
  interrupt(): void;
}

/** A simulated subscription: a simulator, and an `az` on the PATH that makes it look like Azure. */
export class Subscription {
  readonly far: Simulator;
  readonly directory: string;

  private constructor(far: Simulator, directory: string) {
    this.far = far;
    this.directory = directory;
  }

  static async open(t: TestContext, switches: Partial<Switches> = {}): Promise<Subscription> {
    const far = await startSimulator({ switches });
    const control = await Control.open(far, () => undefined);
    const directory = mkdtempSync(join(tmpdir(), 'newleaf-subscription-'));
    const made = new Subscription(far, directory);
    for (const name of ['tmp', 'bin', 'az']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'az', 'control'), control.url);
    writeFileSync(join(directory, 'trust.pem'), far.endpoints.trustPem);
    const script = `#!/bin/sh\nexec env -u NODE_OPTIONS ${process.execPath} ${AZ} "$@"\n`;
    writeFileSync(join(directory, 'bin', 'az'), script, { mode: 0o755 });
    // Where the kit and its children leave their arguments.
    writeFileSync(join(directory, 'witness.cjs'), WITNESS);
    t.after(async () => {
      control.close();
      await far.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return made;
  }

  plan(plan: Plan): void {
    writeFileSync(join(this.directory, 'az', 'plan.json'), JSON.stringify(plan));
  }

  /** Lets a command go on that is held. */
  go(): void {
    writeFileSync(join(this.directory, 'az', 'go'), '');
  }

  get cloud(): Cloud {
    return this.#read('cloud.json', { groups: {} });
  }

  set cloud(cloud: Cloud) {
    writeFileSync(join(this.directory, 'az', 'cloud.json'), JSON.stringify(cloud));
  }

  get called(): readonly Called[] {
    const file = join(this.directory, 'az', 'called');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  }

  /** The arguments of each process of Node that a run has had. */
  get argv(): string {
    return readFileSync(join(this.directory, 'az', 'argv'), 'utf8');
  }

  /** What a run has left in the directory for temporary files. */
  get rubbish(): readonly string[] {
    // tsx keeps what it has compiled.
    return readdirSync(join(this.directory, 'tmp')).filter((name) => !name.startsWith('tsx-'));
  }

  has(name: 'report.md' | 'wire.jsonl' | 'switches.patch'): boolean {
    return existsSync(join(this.directory, 'report', name));
  }

  report(name: 'report.md' | 'wire.jsonl' | 'switches.patch'): string {
    return readFileSync(join(this.directory, 'report', name), 'utf8');
  }

  /** @param program the kit, or its command */
  run(argv: readonly string[], program: 'inside' | 'command' = 'inside'): Running {
    const { directory } = this;
    const inside = [
      '--require',
      join(ROOT, 'scripts/field/cloud/tap.cjs'),
      '--import',
      'tsx',
      'scripts/field/azure.ts',
    ];
    const [file = '', ...before] = program === 'command' ? ['scripts/field/azure'] : [process.execPath, ...inside];
    const child = spawn(file, [...before, '--location', 'westeurope', '--report', join(directory, 'report'), ...argv], {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: `${join(directory, 'bin')}${delimiter}${process.env.PATH}`,
        NEWLEAF_FAKE_AZ: join(directory, 'az'),
        NODE_EXTRA_CA_CERTS: join(directory, 'trust.pem'),
        TMPDIR: join(directory, 'tmp'),
        NODE_OPTIONS: `--require ${join(directory, 'witness.cjs')}`,
        NODE_TEST_CONTEXT: undefined,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let screen = '';
    const watchers = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        screen += text;
        for (const watcher of watchers) watcher();
      });
    }
    const ended = once(child, 'close').then(([code]) => ({ code, screen }));
    return {
      child,
      ended,
      shows: (words) =>
        new Promise((resolve, reject) => {
          const look = (): void => void (words.test(screen) && resolve());
          watchers.add(look);
          look();
          void ended.then(({ code }) =>
            reject(new Error(`ended with ${code}, and does not show ${words}:\n${screen}`)),
          );
        }),
      interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
    };
  }

  /** Resolves when `az` has begun a command. */
  begins(verb: string, running: Running): Promise<void> {
    return this.#until({ what: 'begun', verb }, running.ended);
  }

  /** Resolves when it is done, which may outlast the kit. */
  done(verb: string): Promise<void> {
    return this.#until({ what: 'done', verb }, new Promise(() => undefined));
  }

  async #until({ what, verb }: Pick<Called, 'what' | 'verb'>, ended: Promise<Ended>): Promise<void> {
    let over: Ended | undefined;
    void ended.then((how) => {
      over = how;
    });
    while (!this.called.some((call) => call.verb === verb && call.what === what)) {
      if (over !== undefined) throw new Error(`ended with ${over.code} before az ${verb}:\n${over.screen}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #read<T>(name: string, otherwise: T): T {
    const file = join(this.directory, 'az', name);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : otherwise;
  }
}
