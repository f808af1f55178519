import type { Stored } from './ports.ts';
import type { Program } from './program.ts';

/** A message on its way to the hub. */
export interface Sending {
  readonly program: Program;
  readonly message: Stored;
  /** By the monotonic clock, in milliseconds. */
  readonly sentAt: number;
}

interface Suspect {
  readonly sequence: number;
  /** Sessions in a row that ended right after it was sent. */
  readonly strikes: number;
  /** Once it is held back, and met in the queue. */
  message?: Stored;
}

const STRIKES = 3;
/** A hub closes at once over what it does not take; a link that is dead ends by the keepalive, minutes later. */
const PROMPT_MS = 5_000;

/**
 * Finds the message that a hub never takes: it has no word for it but to close the session (azure-iot-sdk-node#501,
 * paho.mqtt.c#760: one such message used gigabytes of mobile data). A hub whose quota is used up closes in the same way, over
 * any message. So a message that ended three sessions is held back behind the others; where the hub then takes another one,
 * and closes the same session over this one, it is this one.
 */
export class Suspicion {
  readonly #suspects = new Map<Program, Suspect>();
  /** The hub has taken another message in this session. */
  #hubTakes = false;
  #onTrial: Suspect | undefined;

  /** The message that was held back is on its way, alone. */
  get isTrying(): boolean {
    return this.#onTrial !== undefined;
  }

  opened(): void {
    this.#hubTakes = false;
    this.#onTrial = undefined;
    for (const suspect of this.#suspects.values()) delete suspect.message;
  }

  /** Whether the message goes after those behind it. */
  holdsBack(program: Program, message: Stored): boolean {
    const suspect = this.#suspects.get(program);
    if (suspect === undefined || suspect.strikes < STRIKES || suspect.sequence !== message.sequence) return false;
    suspect.message = message;
    return true;
  }

  /** A message that was held back, to be sent while no other is on its way. @param isIdle nothing else waits */
  due(isIdle: boolean): { readonly program: Program; readonly message: Stored } | undefined {
    if (!this.#hubTakes && !isIdle) return undefined;
    for (const [program, suspect] of this.#suspects) {
      const { message } = suspect;
      if (message === undefined) continue;
      delete suspect.message;
      this.#onTrial = suspect;
      return { program, message };
    }
    return undefined;
  }

  acknowledged({ program, message }: Sending): void {
    const suspect = this.#suspects.get(program);
    if (suspect?.sequence !== message.sequence) this.#hubTakes = true;
    else {
      this.#suspects.delete(program);
      this.#onTrial = undefined;
    }
  }

  /** The session ended. @param unacknowledged in the order of sending @returns the message that the hub never takes */
  closed(unacknowledged: readonly Sending[], at: number): Sending | undefined {
    const prompt = unacknowledged.filter(({ sentAt }) => at - sentAt < PROMPT_MS);
    const tried = prompt.find(({ program, message }) => this.#isOnTrial(program, message));
    if (tried !== undefined && this.#hubTakes) {
      this.#suspects.delete(tried.program);
      return tried;
    }
    // The hub closes over any message: those that are held back are no worse than the others.
    if (tried === undefined && prompt.length > 0 && !this.#hubTakes) {
      for (const [program, { strikes }] of this.#suspects) if (strikes >= STRIKES) this.#suspects.delete(program);
    }
    const seen = new Set<Program>();
    for (const { program, message } of prompt) {
      if (seen.has(program)) continue;
      seen.add(program);
      const before = this.#suspects.get(program);
      const strikes = before?.sequence === message.sequence ? before.strikes + 1 : 1;
      this.#suspects.set(program, { sequence: message.sequence, strikes });
    }
    return undefined;
  }

  #isOnTrial(program: Program, { sequence }: Stored): boolean {
    return (
      this.#onTrial !== undefined &&
      this.#suspects.get(program) === this.#onTrial &&
      this.#onTrial.sequence === sequence
    );
  }
}
