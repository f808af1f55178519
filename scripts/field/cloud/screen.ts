import type { Mask } from './mask.ts';

const SECOND = 1_000;
const MINUTE_S = 60;

/** As `19 s`, or `3 min 5 s`. */
export function inWords(ms: number): string {
  const seconds = Math.round(ms / SECOND);
  return seconds < MINUTE_S ? `${seconds} s` : `${Math.floor(seconds / MINUTE_S)} min ${seconds % MINUTE_S} s`;
}

/** The first line of words that have several. */
export const firstLine = (words: string): string => words.split('\n')[0] ?? '';

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** As 17:04:59, UTC. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

/** What a person sees while it runs: a line that ends in … says what has begun, the next one how it ended. */
export class Screen {
  readonly #mask: Mask;
  #doing: string | undefined;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** What runs now, or what the last failure has ended; undefined where the last step came to its end. */
  get doing(): string | undefined {
    return this.#doing;
  }

  say(words: string): void {
    console.log(`${timeOf(Date.now())} ${this.#mask.over(words)}`);
  }

  /**
   * Does one step. A rejection of `work` is the caller's to tell.
   * @param about how long it may take, for the line at its begin
   * @param end in words; default: how long it took
   */
  async during<T>(
    title: string,
    about: string,
    work: () => Promise<T>,
    end?: (came: T, took: string) => string,
  ): Promise<T> {
    this.#doing = title;
    this.say(`${title}${about && `: ${about}`} …`);
    const from = performance.now();
    const took = (): string => inWords(performance.now() - from);
    const came = await work().catch((error: unknown) => {
      this.say(`${title}: not done, ${took()}`);
      throw error;
    });
    this.#doing = undefined;
    this.say(`${title}: ${end ? end(came, took()) : `done, ${took()}`}`);
    return came;
  }
}
