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

/** A program over whose messages the hub may have closed the session. */
interface Suspect {
  /**
   * `suspected`: it may have been another program, or the link, so it is tried at once. `blamed`: it is tried when the session has
   * held for a while.
   */
  standing: 'suspected' | 'blamed';
  /** In this session. */
  isTried: boolean;
  /** Messages behind its first one that were tried, and are no proof either. */
  probes: number;
  /** Its first message, and how many sessions the hub closed over that one alone, after it had taken another one. */
  sequence: number;
  closes: number;
}

/** A message of a suspect that is on its way alone. */
interface Trial {
  /** Its first one; one that tells whether the hub takes anything; or one of QoS 0, for which no PUBACK comes. */
  readonly of: 'head' | 'proof' | 'passing';
  readonly program: Program;
  readonly suspect: Suspect;
  readonly message?: Stored;
  readonly at: number;
}

/** What the end of a session says. */
interface Finding {
  /** The message that the hub never takes. */
  readonly poison?: Sending;
  /** Programs over which the hub has closed again. */
  readonly blamed: readonly Program[];
  /** It was too much, as far as can be seen. */
  readonly isThrottling: boolean;
}

const MOST_CLOSES = 2;
/** A hub closes at once over what it does not take; one that throttles is behind by then. */
export const PROMPT_MS = 5_000;
/** A link that is dead ends by the keepalive, minutes later. */
const LINK_MS = 60_000;
/** Three sessions that end within a minute of CONNACK 0 are "flapping" to the machine (roll/core/record.ts). */
const BRIEF_MS = 61_000;
const MOST_BRIEF = 2;
const CONVICTED_MS = 60 * 60_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** A hub counts in units of 4 KB (articles/iot-hub/iot-hub-devguide-quotas-throttling.md). */
const LARGEST_REPEATED = 4_096;

/**
 * One rule for "the hub closed the session over a message": it has no other word for one that it does not take
 * (azure-iot-sdk-node#501; paho.mqtt.c#760: one such message used gigabytes of mobile data). The first message of the program is
 * then sent alone. Where the hub closes over it again, the program waits for the first minute of the next session, while the
 * others go on, and is tried alone after that. If the hub closes two sessions so in which it has taken another message, this one
 * is set aside. A hub whose quota is used up closes over any message: while it takes none, the wait doubles, and none is to blame.
 */
export class Suspects {
  readonly #suspects = new Map<Program, Suspect>();
  /** The last one that a hub has taken: it tells a hub that takes nothing from a message that is never taken. */
  #good: Chosen | undefined;
  /** Sessions in a row that ended over messages within a minute, and such without one that the hub took. */
  #brief = 0;
  #barren = 0;
  #openedAt = 0;
  #hasTaken = false;
  #trial: Trial | undefined;
  /** When the hub closed over a message of a program alone: that program is suspected before others. */
  readonly #convicted = new Map<Program, number>();
  /** When each program has sent by QoS 0 last, in this session. */
  readonly #passed = new Map<Program, number>();

  /** The hub takes nothing: its quota may be used up. */
  get isBarren(): boolean {
    return this.#barren >= MOST_BRIEF;
  }

  /** @param programs all there are: one that was removed is none of them */
  opened(programs: readonly Program[], at: number): void {
    this.#openedAt = at;
    this.#hasTaken = false;
    this.#trial = undefined;
    this.#passed.clear();
    for (const [program, suspect] of this.#suspects) {
      suspect.isTried = false;
      if (!programs.includes(program)) this.#suspects.delete(program);
    }
  }

  has(program: Program): boolean {
    return this.#suspects.has(program);
  }

  /** How long nothing may be sent, in milliseconds: the session would be the third in a row that ends within a minute. */
  restMs(at: number): number {
    return this.#brief < MOST_BRIEF ? 0 : Math.max(0, this.#openedAt + BRIEF_MS - at);
  }

  /** A message of QoS 0. @returns whether it may go */
  passes(program: Program, at: number): boolean {
    this.#settle(at);
    if (this.restMs(at) > 0) return false;
    const suspect = this.#suspects.get(program);
    if (suspect !== undefined) {
      // Nothing waits here, so no session is risked for it that would be the second brief one.
      const standing = this.#brief === 0 ? suspect.standing : 'blamed';
      if (this.#trial !== undefined || this.#dueMs({ ...suspect, standing }, at) > 0) return false;
      suspect.isTried = true;
      this.#trial = { of: 'passing', program, suspect, at };
    }
    this.#passed.set(program, at);
    return true;
  }

  /**
   * What of a suspect is to be sent now; `wait` where no other message may be sent meanwhile.
   * @param isAlone all that were sent within `PROMPT_MS` are acknowledged
   */
  async next(programs: readonly Program[], isAlone: boolean, at: number): Promise<Chosen | 'wait' | undefined> {
    this.#settle(at);
    const trial = this.#trial;
    if (trial !== undefined) return trial.of !== 'passing' && trial.at + PROMPT_MS > at ? 'wait' : undefined;
    for (const program of programs) {
      const suspect = this.#suspects.get(program);
      if (suspect === undefined || this.#dueMs(suspect, at) > 0 || program.queue.count === 0) continue;
      if (!isAlone) return 'wait';
      const head = await program.up.next().catch(() => undefined);
      if (head !== undefined) return this.#try(program, suspect, head, at);
    }
    return undefined;
  }

  async #try(program: Program, suspect: Suspect, head: Stored, at: number): Promise<Chosen> {
    const isProven = this.#hasTaken || suspect.standing === 'suspected';
    const repeated = isProven ? undefined : this.#good;
    const message = repeated?.message ?? (isProven ? head : await behind(program, suspect, head));
    suspect.isTried = true;
    this.#trial = { of: message === head ? 'head' : 'proof', program, suspect, message, at };
    return repeated === undefined ? { program, message } : { ...repeated, isRepeated: true };
  }

  /** When `next` may have more to say, in milliseconds from now. @param sending without PUBACK */
  wakeMs(sending: Iterable<Sending>, at: number): number {
    if (this.#suspects.size === 0) return Number.POSITIVE_INFINITY;
    const sentAt = [...sending].map((one) => one.sentAt);
    if (this.#trial !== undefined) sentAt.push(this.#trial.at);
    const dues = [...this.#suspects.values()].map((suspect) => this.#dueMs(suspect, at));
    const times = [...dues, ...sentAt.map((since) => since + PROMPT_MS - at)];
    return Math.min(...times.filter((ms) => ms > 0), Number.POSITIVE_INFINITY);
  }

  acknowledged({ program, message }: Sending): void {
    this.#hasTaken = true;
    this.#barren = 0;
    if (message.payload.length <= LARGEST_REPEATED) this.#good = { program, message };
    const trial = this.#trial;
    if (trial?.message === message) this.#passTrial(trial);
  }

  /** @param unacknowledged in the order of sending */
  closed(unacknowledged: readonly Sending[], at: number): Finding {
    this.#settle(at);
    const [oldest] = unacknowledged;
    const oldestMs = oldest === undefined ? Number.POSITIVE_INFINITY : at - oldest.sentAt;
    const passed = [...this.#passed].flatMap(([program, passedAt]) => (at - passedAt < PROMPT_MS ? [program] : []));
    const isBrief = at - this.#openedAt < BRIEF_MS;
    if (oldestMs >= LINK_MS && passed.length === 0) {
      // It was the link: one that ends within each wait must not stop a suspect for ever.
      for (const suspect of this.#suspects.values()) suspect.standing = 'suspected';
      this.#brief = isBrief ? Math.max(0, this.#brief - 1) : 0;
      return { blamed: [], isThrottling: false };
    }
    this.#brief = isBrief ? this.#brief + 1 : 0;
    if (!this.#hasTaken) this.#barren += 1;
    const trial = this.#trial !== undefined && at - this.#trial.at < PROMPT_MS ? this.#trial : undefined;
    if (trial?.of === 'proof') {
      trial.suspect.probes += 1;
      return { blamed: [], isThrottling: true };
    }
    const isBehind = this.#hasTaken && oldestMs >= PROMPT_MS && passed.length === 0;
    const prompt = isBehind ? [] : [...new Set([...unacknowledged.map(({ program }) => program), ...passed])];
    if (trial !== undefined) this.#convicted.set(trial.program, at);
    const convictedAt = (program: Program) => this.#convicted.get(program) ?? Number.NEGATIVE_INFINITY;
    const convicts = prompt.filter((program) => at - convictedAt(program) < CONVICTED_MS);
    const blamed = trial !== undefined ? [trial.program] : convicts.length > 0 ? convicts : prompt;
    const again = blamed.filter((program) => this.has(program) && !this.isBarren);
    const standing: Suspect['standing'] = trial === undefined && convicts.length === 0 ? 'suspected' : 'blamed';
    for (const program of blamed) {
      const known = this.#suspects.get(program) ?? { isTried: false, probes: 0, sequence: 0, closes: 0 };
      this.#suspects.set(program, Object.assign(known, { standing }));
    }
    const isThrottling = blamed.length !== 1 || !this.#hasTaken;
    const poison = this.#poisonIn(trial, unacknowledged);
    return { blamed: again, isThrottling, ...(poison && { poison }) };
  }

  #poisonIn(trial: Trial | undefined, unacknowledged: readonly Sending[]): Sending | undefined {
    const { suspect, message } = trial ?? {};
    const isEvidence = trial?.of === 'head' && this.#hasTaken && trial.at - this.#openedAt >= BRIEF_MS;
    if (!isEvidence || suspect === undefined || message === undefined) return undefined;
    suspect.closes = suspect.sequence === message.sequence ? suspect.closes + 1 : 1;
    suspect.sequence = message.sequence;
    return suspect.closes < MOST_CLOSES ? undefined : unacknowledged.find((one) => one.message === message);
  }

  /** The hub has not closed the session over a message of QoS 0: it has taken it. */
  #settle(at: number): void {
    const trial = this.#trial;
    if (trial?.of !== 'passing' || trial.at + PROMPT_MS > at) return;
    this.#barren = 0;
    this.#passTrial(trial);
  }

  /** The program begins again with its first message, which may have been taken from the queue here. */
  #passTrial({ of, program, suspect }: Trial): void {
    this.#trial = undefined;
    program.queue.rewind();
    suspect.isTried = false;
    if (of !== 'proof') this.#suspects.delete(program);
  }

  #dueMs({ isTried, standing }: Suspect, at: number): number {
    if (isTried) return Number.POSITIVE_INFINITY;
    const waitMs = Math.min(LONGEST_WAIT_MS, BRIEF_MS * 2 ** Math.max(0, this.#barren - MOST_BRIEF));
    return standing === 'suspected' ? 0 : Math.max(0, this.#openedAt + waitMs - at);
  }
}

/** Nothing was taken since the start, and nothing else waits: a message behind the first one, each time one further. */
async function behind({ up }: Program, { probes }: Suspect, head: Stored): Promise<Stored> {
  let chosen = head;
  for (let index = 0; index <= probes; index += 1) chosen = (await up.next().catch(() => undefined)) ?? chosen;
  return chosen;
}
