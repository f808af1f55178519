import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { frozen } from './frozen.ts';
import { filesBelow, losePower } from './lost.ts';
import { type Aim, NOWHERE, Places } from './places.ts';
import { siteOf } from './site.ts';
import { type At, PATIENCE_MS, type Story, settled } from './stories.ts';

/** How the daemon ends: a kill leaves what was written; a power cut nothing, or any part, of what was not synced. */
export type End = 'kill' | 'power, nothing else' | 'power, any part';

/** A gateway of a story, whose daemon can be killed. */
export class Lane {
  readonly at: At;
  readonly places: Places;
  readonly story: Story;
  readonly #empty: string;

  private constructor(at: At, places: Places, story: Story) {
    this.at = at;
    this.places = places;
    this.story = story;
    this.#empty = join(at.gateway.directory, 'empty');
    cpSync(this.#tokens, this.#empty, { recursive: true });
  }

  /** Whether it must have a leaf, as it has served. */
  get hadLeaf(): boolean {
    return this.story.isFirst !== true;
  }

  /** It serves, unless the story begins with nothing; all goes away with the test. */
  static async open(t: TestContext, story: Story): Promise<Lane> {
    const places = new Places();
    t.after(() => places.remove());
    const at = await siteOf(t, story, places);
    t.after(() => {
      for (const program of at.programs) program.stop();
    });
    const lane = new Lane(at, places, story);
    if (story.isFirst) return lane;
    places.expectDaemon();
    await at.gateway.start(PATIENCE_MS);
    await (story.provision?.(at) ?? settled(at));
    return lane;
  }

  /**
   * Plays the story, to its end or to that of the daemon.
   * @param aim where the daemon is killed; where it is not, the calls are logged
   * @param dice for what a power cut leaves
   * @returns whether it was killed
   */
  async play(id: string, aim: Aim, end: End, dice: () => number): Promise<boolean> {
    const { at } = this;
    at.accepted.clear();
    if (this.story.isFirst) await this.#reset();
    const { stateDirectory } = at.gateway;
    const isPower = end !== 'kill';
    const begin = () => {
      const files = isPower ? filesBelow(stateDirectory) : undefined;
      this.places.arm(aim, isPower || aim === NOWHERE);
      return files;
    };
    // What a daemon writes after its files were read, and before they are watched, would be lost, though it was synced.
    const files = this.story.isFirst ? begin() : frozen(at.gateway.pid, begin);
    const isKilled = await this.#lives(this.story.isFirst ? this.#serves() : this.story.play(at, id));
    if (!isKilled || files === undefined) return isKilled;
    const isAnyPart = end === 'power, any part';
    if (isAnyPart) for (const program of at.programs) program.powerCut();
    await losePower(stateDirectory, files, this.places.calls.all, isAnyPart ? dice : undefined);
    return isKilled;
  }

  /** Starts the daemon, until it serves. @param aim as with `play` @returns whether it was killed */
  start(aim: Aim, isLogging = false): Promise<boolean> {
    this.places.arm(aim, isLogging);
    return this.#lives(this.#serves());
  }

  async #serves(): Promise<void> {
    this.places.expectDaemon();
    await this.at.gateway.start(PATIENCE_MS);
    await settled(this.at);
  }

  /** Waits for the work, or for the end of the daemon. @throws where the work fails, or the daemon ends, without a kill */
  async #lives(work: Promise<void>): Promise<boolean> {
    const { gateway } = this.at;
    const done = work.then(
      () => 'done' as const,
      (cause: unknown) => ({ cause }),
    );
    const ended = gateway.ended();
    const how = await Promise.race([done, ended]);
    // A job may still be at work when the story has come to its end.
    if (how === 'done') this.places.spare();
    if (this.places.killedAt !== '') {
      await ended;
      // What still waits for the daemon looks again, and finds that it has gone: it must not meet the next one.
      gateway.log.add({ event: 'killed' });
      await done;
      return true;
    }
    if (how === 'done') return false;
    if (typeof how === 'object') throw how.cause;
    throw new Error(`The daemon ended by itself with ${how}.\n${gateway.noise}${gateway.log.tail()}`);
  }

  get #tokens(): string {
    return join(this.at.gateway.token.hsm.directory, 'tokens');
  }

  async #reset(): Promise<void> {
    const { gateway } = this.at;
    await gateway.stop('SIGKILL');
    for (const path of [this.#tokens, gateway.stateDirectory]) rmSync(path, { recursive: true, force: true });
    cpSync(this.#empty, this.#tokens, { recursive: true });
  }
}
