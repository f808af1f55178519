import { execFile } from 'node:child_process';
import type { Settings } from './settings.ts';

export interface Scene {
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** argv of this very program; a command follows. */
  readonly itself: readonly string[];
}

/** One file of the bundle. */
export interface Part {
  readonly name: string;
  /** For the list of contents. */
  readonly about: string;
  /** Certificates only: nothing is secret, and text that looks like a key is a signature. */
  readonly isPublic?: true;
  /**
   * Text, or an object for JSON; undefined where this gateway has none of it.
   * @throws Error whose message stands in the bundle instead
   */
  make(scene: Scene): Promise<string | object | undefined>;
}

/** Longer output is of no use to the reader. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * What a program prints, whatever its exit code; a failed one has a last line that says how it failed.
 * @param waitMs after which it is killed, in milliseconds
 * @throws Error with one sentence where it could not be run, or was killed
 */
export function printed(argv: readonly string[], waitMs = 10_000): Promise<string> {
  const [file = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const options = { encoding: 'utf8', timeout: waitMs, killSignal: 'SIGKILL', maxBuffer: MOST_BYTES } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      if (error === null) resolve(said);
      else if (error.code === 'ENOENT') reject(new Error(`There is no ${file} on this gateway.`));
      else if (error.killed === true) reject(new Error(`${file} did not end within ${waitMs / 1000} s. ${said}`));
      else if (said === '') reject(new Error(`${file} failed: ${error.message}`));
      else resolve(`${said}(${file} ended with ${error.signal ?? error.code})\n`);
    });
    child.stdin?.end();
  });
}
