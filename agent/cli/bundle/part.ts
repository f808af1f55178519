import type { Settings } from './settings.ts';

/** What the parts are made of. */
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
  /** What it is, for the list of contents. */
  readonly about: string;
  /** Certificates, and nothing else: there is nothing in it to take out, and what looks like a key is a signature. */
  readonly isPublic?: true;
  /**
   * Text, or what becomes JSON; undefined where this gateway has none of it.
   * @throws Error whose message stands in the bundle instead
   */
  make(scene: Scene): Promise<string | object | undefined>;
}
