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
