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
  readonly standing: 'suspected' | 'blamed';
  /** In this session. */
  readonly isTried: boolean;
  /** Messages behind its first one that were tried, and are no proof either. */
  readonly probes: number;
  /** Sessions that the hub closed over its first message, alone, after it had taken another one. */
  readonly evidence: { readonly sequence: number; readonly closes: number };
}

/** A message of a suspect that is on its way alone. */
type Trial = { readonly suspect: Program; readonly at: number } & (
  | { readonly of: 'head'; readonly message: Stored; readonly isEvidence: boolean }
  /** Whether the hub takes anything. */
  | { readonly of: 'proof'; readonly message: Stored }
  /** By QoS 0, where no PUBACK comes. */
  | { readonly of: 'passing' }
);

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
/** Three sessions that end within a minute of CONNACK 0 are "flapping" to the machine (roll/lost.ts). */
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
    for (const program of this.#suspects.keys()) {
      if (programs.includes(program)) this.#amend(program, { isTried: false });
      else this.#suspects.delete(program);
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
      this.#amend(program, { isTried: true });
      this.#trial = { of: 'passing', suspect: program, at };
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
    this.#amend(program, { isTried: true });
    const isEvidence = this.#hasTaken && at - this.#openedAt >= BRIEF_MS;
    this.#trial = {
      suspect: program,
      at,
      message,
      ...(message === head ? { of: 'head', isEvidence } : { of: 'proof' }),
    };
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
    if (trial !== undefined && trial.of !== 'passing' && trial.message === message) this.#passTrial(trial);
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
      for (const program of this.#suspects.keys()) this.#amend(program, { standing: 'suspected' });
      this.#brief = isBrief ? Math.max(0, this.#brief - 1) : 0;
      return { blamed: [], isThrottling: false };
    }
    this.#brief = isBrief ? this.#brief + 1 : 0;
    if (!this.#hasTaken) this.#barren += 1;
    const trial = this.#trial !== undefined && at - this.#trial.at < PROMPT_MS ? this.#trial : undefined;
    if (trial?.of === 'proof') {
      this.#amend(trial.suspect, { probes: (this.#suspects.get(trial.suspect)?.probes ?? 0) + 1 });
      return { blamed: [], isThrottling: true };
    }
    const isBehind = this.#hasTaken && oldestMs >= PROMPT_MS && passed.length === 0;
    const prompt = isBehind ? [] : [...new Set([...unacknowledged.map(({ program }) => program), ...passed])];
    if (trial !== undefined) this.#convicted.set(trial.suspect, at);
    const convicts = prompt.filter(
      (program) => (this.#convicted.get(program) ?? Number.NEGATIVE_INFINITY) > at - CONVICTED_MS,
    );
    const blamed = trial !== undefined ? [trial.suspect] : convicts.length > 0 ? convicts : prompt;
    const again = blamed.filter((program) => this.has(program) && !this.isBarren);
    const standing = trial === undefined && convicts.length === 0 ? 'suspected' : 'blamed';
    for (const program of blamed) this.#suspects.set(program, { ...(this.#suspects.get(program) ?? NEW), standing });
    const isThrottling = blamed.length !== 1 || !this.#hasTaken;
    const poison = this.#poisonIn(trial, unacknowledged);
    return { blamed: again, isThrottling, ...(poison && { poison }) };
  }

  #amend(program: Program, change: Partial<Suspect>): void {
    const suspect = this.#suspects.get(program);
    if (suspect !== undefined) this.#suspects.set(program, { ...suspect, ...change });
  }

  #poisonIn(trial: Trial | undefined, unacknowledged: readonly Sending[]): Sending | undefined {
    if (trial?.of !== 'head' || !trial.isEvidence) return undefined;
    const { sequence } = trial.message;
    const before = this.#suspects.get(trial.suspect)?.evidence;
    const closes = before?.sequence === sequence ? before.closes + 1 : 1;
    this.#amend(trial.suspect, { evidence: { sequence, closes } });
    return closes < MOST_CLOSES ? undefined : unacknowledged.find(({ message }) => message === trial.message);
  }

  /** The hub has not closed the session over a message of QoS 0: it has taken it. */
  #settle(at: number): void {
    const trial = this.#trial;
    if (trial?.of !== 'passing' || trial.at + PROMPT_MS > at) return;
    this.#barren = 0;
    this.#passTrial(trial);
  }

  /** The program begins again with its first message, which may have been taken from the queue here. */
  #passTrial({ suspect: program, of }: Trial): void {
    this.#trial = undefined;
    program.queue.rewind();
    if (of === 'proof') this.#amend(program, { isTried: false });
    else this.#suspects.delete(program);
  }

  #dueMs({ isTried, standing }: Suspect, at: number): number {
    if (isTried) return Number.POSITIVE_INFINITY;
    const waitMs = Math.min(LONGEST_WAIT_MS, BRIEF_MS * 2 ** Math.max(0, this.#barren - MOST_BRIEF));
    return standing === 'suspected' ? 0 : Math.max(0, this.#openedAt + waitMs - at);
  }
}

const NEW: Suspect = { standing: 'suspected', isTried: false, probes: 0, evidence: { sequence: 0, closes: 0 } };

/** Nothing was taken since the start, and nothing else waits: a message behind the first one, each time one further. */
async function behind({ up }: Program, { probes }: Suspect, head: Stored): Promise<Stored> {
  let chosen = head;
  for (let index = 0; index <= probes; index += 1) chosen = (await up.next().catch(() => undefined)) ?? chosen;
  return chosen;
}
