import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, type TestContext } from 'node:test';
import { ENTER, NATIVE, onDisk } from '../package/installed.ts';

const BUILD = join(import.meta.dirname, 'build-image');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The network is that of the simulator; and the tests may not limit what a container takes. */
const CONF = `[containers]
netns = "host"
cgroups = "disabled"
`;

/** podman, with a store of its own that goes with the test file. */
export class Engine {
  readonly #argv: readonly string[];
  readonly #store: string;
  readonly env: NodeJS.ProcessEnv;

  /** @param image what `build-image` has made */
  constructor(image: string) {
    this.#store = onDisk('containers');
    const places = ['--root', join(this.#store, 'storage'), '--runroot', join(this.#store, 'run')];
    // vfs: the disk may itself be an overlay.
    this.#argv = ['--containers', 'podman', ...places, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs'];
    const settings = join(this.#store, 'containers.conf');
    writeFileSync(settings, CONF);
    this.env = { ...process.env, CONTAINERS_CONF: settings };
    const must = (...args: readonly string[]) => execFileSync(ENTER, [...this.#argv, ...args], { stdio: 'ignore' });
    must('load', '--quiet', '--input', join(image, 'image.tar'));
    must('tag', `newleaf:${NATIVE}`, 'localhost/newleaf:latest');
  }

  /** A command that is podman with this store, for programs that call it. */
  get command(): readonly string[] {
    return [ENTER, ...this.#argv];
  }

  /** podman to its end; the simulator goes on meanwhile. */
  async podman(...args: readonly string[]): Promise<Ended> {
    const child = this.start(...args);
    child.stdin.end();
    const [out, err] = [text(child.stdout), text(child.stderr)];
    const [code] = await once(child, 'close');
    return { code, out: await out, err: await err };
  }

  /** podman as a process of its own. */
  start(...args: readonly string[]) {
    return spawn(ENTER, [...this.#argv, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: this.env });
  }

  remove(): void {
    rmSync(this.#store, { recursive: true, force: true });
  }
}

/** What the page has a person write behind `docker run`. */
const PAGE = [
  '--read-only',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--ulimit=core=0',
  '--tmpfs=/run/newleaf:mode=1777',
  '--tmpfs=/tmp',
];

export interface Volumes {
  /** /etc/newleaf */
  readonly configuration: string;
  /** /var/lib/newleaf */
  readonly state: string;
}

/** A container that runs newleaf. */
export class Container {
  readonly name: string;
  readonly #engine: Engine;
  /** Lines of its log. */
  readonly lines: Record<string, unknown>[] = [];
  readonly ended: Promise<number | null>;
  noise = '';
  #heard: (() => void)[] = [];

  /** @param extra more for podman */
  constructor(
    t: TestContext,
    engine: Engine,
    name: string,
    { configuration, state }: Volumes,
    extra: readonly string[] = [],
  ) {
    this.#engine = engine;
    this.name = name;
    const volumes = [`--volume=${configuration}:/etc/newleaf:ro`, `--volume=${state}:/var/lib/newleaf`];
    const child = engine.start('run', '--rm', `--name=${name}`, ...PAGE, ...volumes, ...extra, `newleaf:${NATIVE}`);
    const heard = () => {
      for (const wake of this.#heard.splice(0)) wake();
    };
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line));
      else this.noise += `${line}\n`;
      heard();
    });
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      this.noise += more;
    });
    this.ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    void this.ended.then(heard);
    t.after(async () => {
      await engine.podman('kill', '--signal=KILL', name);
      await this.ended;
    });
  }

  /** Waits for a line of the log. @throws where the container ends before */
  async says(event: string): Promise<Record<string, unknown>> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    for (;;) {
      const found = this.lines.find((line) => line.event === event);
      if (found !== undefined) return found;
      if (isOver) throw new Error(`no "${event}":\n${JSON.stringify(this.lines, null, 1)}\n${this.noise}`);
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  exec(...argv: readonly string[]): Promise<Ended> {
    return this.#engine.podman('exec', this.name, ...argv);
  }

  /** A command of newleaf, as the page has it. */
  newleaf(...args: readonly string[]): Promise<Ended> {
    return this.exec('newleaf', ...args);
  }

  async kill(signal: string): Promise<void> {
    await this.#engine.podman('kill', `--signal=${signal}`, this.name);
  }
}

/** A command in a container of its own, with the same volumes. @param extra more for podman */
export function only(
  engine: Engine,
  { configuration, state }: Volumes,
  args: readonly string[],
  extra: readonly string[] = [],
): Promise<Ended> {
  const volumes = [`--volume=${configuration}:/etc/newleaf`, `--volume=${state}:/var/lib/newleaf`];
  return engine.podman('run', '--rm', ...PAGE, ...volumes, ...extra, `newleaf:${NATIVE}`, ...args);
}

/** For the shell of a container: newleaf stands still, and its time is over. */
export const HANG = `
  for found in /proc/[0-9]*; do read -r name <"$found/comm" && [ "$name" = newleaf ] && kill -STOP "\${found#/proc/}"; done
  echo 000000000001 >/run/newleaf/pulse`;

/**
 * The engine of this test file, which goes with it.
 * @returns also the directory of the image: `scripts/test container` makes one for all files
 */
export function ownEngine(): { readonly engine: Engine; readonly image: string } {
  const made = process.env.NEWLEAF_TEST_IMAGE;
  const image = made ?? builtImage();
  const engine = new Engine(image);
  after(() => {
    engine.remove();
    if (made === undefined) rmSync(image, { recursive: true, force: true });
  });
  return { engine, image };
}

/** Builds the image with SoftHSM in it, for this machine. @returns its directory, for the caller to remove */
export function builtImage(): string {
  const directory = onDisk('image');
  execFileSync(ENTER, ['--containers', BUILD, directory, NATIVE, '--build-arg', 'MODULE=softhsm2'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return directory;
}
