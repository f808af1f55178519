import type { Stored } from './ports.ts';
import type { Program } from './program.ts';

/** A message that is to be sent. */
export interface Chosen {
  readonly program: Program;
  readonly message: Stored;
  /** The hub has taken it before. */
  readonly isRepeated?: true;
}

/** A message on its way to the hub. */
export interface Sending extends Chosen {
  /** By the monotonic clock, in milliseconds. */
  readonly sentAt: number;
}

interface Suspect {
  readonly sequence: number;
  /** Sessions that ended right after it was sent. */
  strikes: number;
  /** Those of them in which the hub had taken another message, and this one was alone on its way. */
  trials: number;
}

const STRIKES = 3;
const TRIALS = 2;
/** A hub closes at once over what it does not take; a link that is dead ends by the keepalive, minutes later. */
const PROMPT_MS = 5_000;
/** So long a session serves the others before a trial ends it: the machine does not take its end for flapping then. */
const TRIAL_MS = 60_000;
/** A hub counts in units of 4 KB (articles/iot-hub/iot-hub-devguide-quotas-throttling.md). */
const LARGEST_REPEATED = 4_096;

/**
 * Finds the message that a hub never takes: it has no word for it but to close the session (azure-iot-sdk-node#501,
 * paho.mqtt.c#760: one such message used gigabytes of mobile data). A hub whose quota is used up closes in the same way, over
 * any message. So a message that ended three sessions waits, and its program with it, until the hub has taken another one in
 * the same session: of another program, or one that it has taken before. Then it is sent alone; where the hub closes over it
 * twice, it is this one. No message overtakes another of its program by that.
 */
export class Suspicion {
  readonly #suspects = new Map<Program, Suspect>();
  /** The first messages of their programs, which wait in this session. */
  readonly #held = new Map<Program, Stored>();
  /** The last one that a hub has taken: it tells a hub that takes nothing from a message that is never taken. */
  #good: Chosen | undefined;
  /** The hub has taken a message in this session. */
  #hubTakes = false;
  #onTrial: Program | undefined;

  /** Nothing else may be sent. */
  get isTrying(): boolean {
    return this.#onTrial !== undefined;
  }

  opened(): void {
    this.#held.clear();
    this.#hubTakes = false;
    this.#onTrial = undefined;
  }

  /** Whether the program waits. */
  holds(program: Program): boolean {
    return this.#held.has(program);
  }

  /** @returns whether the program waits, and this message of it is the first */
  holdsBack(program: Program, message: Stored): boolean {
    const suspect = this.#suspects.get(program);
    if (suspect === undefined || suspect.strikes < STRIKES || suspect.sequence !== message.sequence) return false;
    this.#held.set(program, message);
    return true;
  }

  /** How long the next trial is away, in milliseconds; undefined where there is none. @param usedMs since the first message */
  trialIn(usedMs: number): number | undefined {
    return this.#hubTakes && this.#held.size > 0 ? Math.max(0, Math.floor(TRIAL_MS - usedMs)) : undefined;
  }

  /** To be sent while no other is on its way. */
  try(): Chosen | undefined {
    for (const [program, message] of this.#held) {
      this.#held.delete(program);
      this.#onTrial = program;
      return { program, message };
    }
    return undefined;
  }

  /** To be sent where all that wait are held back, and the hub has taken nothing yet. */
  async probe(): Promise<Chosen | undefined> {
    const [first] = this.#held;
    if (first === undefined || this.#hubTakes) return undefined;
    if (this.#good !== undefined) return { ...this.#good, isRepeated: true };
    // Nothing was taken since the start. Now and then a message behind it goes first, each time one further behind.
    const [program, message] = first;
    const behind = Math.log2((this.#suspects.get(program)?.strikes ?? 0) / STRIKES);
    let chosen = message;
    for (let index = 0; Number.isInteger(behind) && index <= behind; index += 1) {
      chosen = (await program.up.next().catch(() => undefined)) ?? chosen;
    }
    return { program, message: chosen };
  }

  /** @returns whether the program goes on after this one, which was held back */
  acknowledged({ program, message }: Sending): boolean {
    this.#hubTakes = true;
    if (message.payload.length <= LARGEST_REPEATED) this.#good = { program, message };
    if (this.#suspects.get(program)?.sequence !== message.sequence) return false;
    this.#suspects.delete(program);
    const wasHeld = this.#held.delete(program) || this.#onTrial === program;
    this.#onTrial = undefined;
    return wasHeld;
  }

  /** The hub ended the session. @param unacknowledged in the order of sending @returns the message that it never takes */
  closed(unacknowledged: readonly Sending[], at: number): Sending | undefined {
    const prompt = unacknowledged.filter(({ sentAt }) => at - sentAt < PROMPT_MS);
    // It closes over a message that it has taken before: those that are held back are no worse.
    if (prompt.some(({ isRepeated }) => isRepeated))
      for (const program of this.#held.keys()) this.#suspects.delete(program);
    const seen = new Set<Program>();
    for (const sending of prompt) {
      const { program, message, isRepeated } = sending;
      if (isRepeated || seen.has(program)) continue;
      seen.add(program);
      const before = this.#suspects.get(program);
      if (before?.sequence !== message.sequence && !this.#held.has(program)) {
        this.#suspects.set(program, { sequence: message.sequence, strikes: 1, trials: 0 });
      } else if (before !== undefined) {
        before.strikes += 1;
        if (this.#onTrial === program) before.trials += 1;
        if (before.trials >= TRIALS) return sending;
      }
    }
    return undefined;
  }
}
