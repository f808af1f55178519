import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { NATIVE } from '../package/installed.ts';
import type { Ended, Engine } from './engine.ts';

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

  /** @param extra more for the engine */
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
      await engine.call('kill', '--signal=KILL', name);
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
    return this.#engine.call('exec', this.name, ...argv);
  }

  /** A command of newleaf, as the page has it. */
  newleaf(...args: readonly string[]): Promise<Ended> {
    return this.exec('newleaf', ...args);
  }

  async kill(signal: string): Promise<void> {
    await this.#engine.call('kill', `--signal=${signal}`, this.name);
  }
}

/** A command in a container of its own, with the same volumes. @param extra more for the engine */
export function only(
  engine: Engine,
  { configuration, state }: Volumes,
  args: readonly string[],
  extra: readonly string[] = [],
): Promise<Ended> {
  const volumes = [`--volume=${configuration}:/etc/newleaf`, `--volume=${state}:/var/lib/newleaf`];
  return engine.call('run', '--rm', ...PAGE, ...volumes, ...extra, `newleaf:${NATIVE}`, ...args);
}

/** For the shell of a container: newleaf stands still, and its time is over. */
export const HANG = `
  for found in /proc/[0-9]*; do read -r name <"$found/comm" && [ "$name" = newleaf ] && kill -STOP "\${found#/proc/}"; done
  echo 000000000001 >/run/newleaf/pulse`;
