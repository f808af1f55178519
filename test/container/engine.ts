import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** An engine of containers, with a store of its own that goes with the test file. */
export abstract class Engine {
  /** A command that is the engine with this store, for programs that call it. */
  abstract readonly command: readonly string[];
  abstract readonly env: NodeJS.ProcessEnv;

  /** The same for its compose. @param directory where the files are, and what this needs is put */
  abstract composer(directory: string): readonly string[];

  /** Lines for a shell, with `docker` in them, that use one volume in memory after the other. */
  abstract script(lines: string): readonly string[];

  /** The probe of the image is content with this container. @throws where it is not */
  abstract healthy(container: string): Promise<void>;

  abstract remove(): Promise<void>;

  /** The engine as a process of its own. */
  start(...args: readonly string[]) {
    const [program = '', ...first] = this.command;
    return spawn(program, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: this.env });
  }

  /** The engine to its end; the simulator goes on meanwhile. */
  async call(...args: readonly string[]): Promise<Ended> {
    const child = this.start(...args);
    child.stdin.end();
    const [out, err] = [text(child.stdout), text(child.stderr)];
    const [code] = await once(child, 'close');
    return { code, out: await out, err: await err };
  }

  /** Removes volumes, and the containers that have them. */
  async drop(...volumes: readonly string[]): Promise<void> {
    const filters = volumes.map((volume) => `--filter=volume=${volume}`);
    const { out } = await this.call('ps', '--all', '--quiet', ...filters);
    const containers = out.split(/\s+/).filter((id) => id !== '');
    await this.call('kill', '--signal=KILL', ...containers);
    await this.call('rm', '--force', ...containers);
    await this.call('volume', 'rm', '--force', ...volumes);
  }
}
