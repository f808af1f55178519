import type { Az } from './az.ts';
import { DPS_QUESTIONS, prepare } from './dps-questions.ts';
import type { Ground } from './ground.ts';
import { endOfLeaf, HUB_QUESTIONS, inOrder } from './hub-questions.ts';
import { type Lag, lags, scopeKnown } from './lag.ts';
import type { Question } from './question.ts';
import type { Asked, Row } from './report.ts';
import { PLAYS } from './stories.ts';
import { TRIGGERS } from './triggers.ts';

export const PARTS = ['triggers', 'stories', 'questions'] as const;
export type Part = (typeof PARTS)[number];

/** What the day has found so far: it may end at any moment. */
export interface Findings {
  readonly rows: Row[];
  readonly asked: Asked[];
  readonly lags: Lag[];
}

interface Options {
  readonly hub: string;
  readonly watchMs: number;
  readonly say: (words: string) => void;
  /** After which nothing more is played. */
  readonly stop: AbortSignal;
}

const firstLine = (words: string): string => words.split('\n')[0] ?? '';
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Plays the parts one after the other, and notes what each has shown. What does not hold is a finding, and ends nothing. */
export class Day {
  readonly found: Findings = { rows: [], asked: [], lags: [] };
  readonly #ground: Ground;
  readonly #az: Az;
  readonly #options: Options;

  constructor(ground: Ground, az: Az, options: Options) {
    this.#ground = ground;
    this.#az = az;
    this.#options = options;
  }

  /** Waits until the services are there for devices. */
  async begin(): Promise<void> {
    this.found.lags.push(await scopeKnown(this.#ground));
  }

  play(part: Part): Promise<void> {
    if (part === 'triggers') return this.#triggers();
    return part === 'stories' ? this.#stories() : this.#questions();
  }

  async #triggers(): Promise<void> {
    const { operator } = this.#ground;
    const id = 't-1';
    operator.keep('triggers.pem', await this.#ground.pem('intermediate'));
    await operator.types(`enroll add group ${id}-group --certificate triggers.pem`);
    const gateway = this.#ground.gateway(id);
    for (const { title, pull } of TRIGGERS) await this.#row('trigger', title, () => pull(this.#ground, gateway));
    // DPS may not take the same CA in two groups.
    await this.#ground.leave(id);
  }

  async #stories(): Promise<void> {
    for (const [index, { title, play }] of PLAYS.entries()) {
      const id = `s-${index + 1}`;
      await this.#row('story', title, () => play(this.#ground, id));
      await this.#ground.leave(id);
    }
  }

  async #questions(): Promise<void> {
    const ground = this.#ground;
    await prepare(ground);
    // It waits for the end of a leaf, beside the others.
    const ending = this.#answer({
      title: 'A session whose leaf ends',
      of: ['sessionsEndAtNotAfter'],
      ask: endOfLeaf(this.#options.watchMs),
    });
    // It is awaited last, and a rejection without a listener ends the process.
    ending.catch(() => undefined);
    const order: Question = {
      title: 'PUBACKs in another order than the messages',
      of: ['acksInOrder'],
      ask: inOrder((id, body) => this.#send(id, body)),
    };
    const questions = [...DPS_QUESTIONS, ...HUB_QUESTIONS, order];
    for (const question of questions) this.#told(await this.#answer(question));
    this.found.lags.push(...(await lags(ground, 'q-lag')));
    this.#options.say('Waiting for the end of the session whose leaf ends');
    this.#told(await ending);
  }

  /** By `az`: a back end speaks AMQP for it. */
  async #send(id: string, body: string): Promise<void> {
    const { hub } = this.#options;
    const to = { 'device-id': id, 'hub-name': hub, 'resource-group': hub };
    await this.#az.ask('iot device c2d-message send', { ...to, data: body });
  }

  async #answer(question: Question): Promise<Asked> {
    this.#options.stop.throwIfAborted();
    const answer = await question.ask(this.#ground).catch((error: unknown) => ({ failed: wordsOf(error) }));
    this.#options.stop.throwIfAborted();
    return { question, answer };
  }

  #told(asked: Asked): void {
    this.found.asked.push(asked);
    const { question, answer } = asked;
    this.#options.say(
      `${question.title}: ${'failed' in answer ? `not answered: ${firstLine(answer.failed)}` : JSON.stringify(answer.positions)}`,
    );
  }

  async #row(part: Row['part'], title: string, play: () => Promise<void>): Promise<void> {
    this.#options.stop.throwIfAborted();
    this.#options.say(`${title} …`);
    const from = Date.now();
    const failed = await play().then(
      () => undefined,
      (error: unknown) => wordsOf(error),
    );
    // What was cut off has shown nothing.
    this.#options.stop.throwIfAborted();
    const seconds = (Date.now() - from) / 1_000;
    this.found.rows.push({ part, title, seconds, ...(failed !== undefined && { failed }) });
    this.#options.say(
      `${title}: ${failed === undefined ? `held, ${seconds.toFixed(0)} s` : `did not hold: ${firstLine(failed)}`}`,
    );
  }
}
