import { setTimeout as pause } from 'node:timers/promises';
import type { Az } from './az.ts';
import { DPS_QUESTIONS, prepare } from './dps-questions.ts';
import type { Ground } from './ground.ts';
import { endOfLeaf, HUB_QUESTIONS, inOrder, LEAF_MS } from './hub-questions.ts';
import { type Lag, lags, scopeKnown } from './lag.ts';
import { type Asked, type Question, switchesOf } from './question.ts';
import type { Row } from './report.ts';
import { firstLine, type Screen, timeOf, wordsOf } from './screen.ts';
import { PLAYS } from './stories.ts';
import type { Part } from './told.ts';
import { TRIGGERS } from './triggers.ts';

/** How many there are of each; two questions need what only a day has. */
export const TOTALS: Readonly<Record<Part, number>> = {
  triggers: TRIGGERS.length,
  stories: PLAYS.length,
  questions: DPS_QUESTIONS.length + HUB_QUESTIONS.length + 2,
};

/** How long after the end of another program Ctrl-C, which has ended it, is heard here, in milliseconds: a turn of the loop. */
const HEARD_MS = 100;

/** What the day has found so far: it may end at any moment. */
export interface Findings {
  readonly rows: Row[];
  readonly asked: Asked[];
  readonly lags: Lag[];
}

interface Options {
  readonly hub: string;
  readonly watchMs: number;
  readonly screen: Screen;
  /** After which nothing more is played. */
  readonly stop: AbortSignal;
}

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
    const { screen } = this.#options;
    const lag = await screen.during('DPS knows its ID scope', '', () => scopeKnown(this.#ground));
    this.found.lags.push(lag);
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
    for (const { title, pull } of TRIGGERS) await this.#row('triggers', title, () => pull(this.#ground, gateway));
    // DPS may not take the same CA in two groups.
    await this.#ground.leave(id);
  }

  async #stories(): Promise<void> {
    for (const [index, { title, play }] of PLAYS.entries()) {
      const id = `s-${index + 1}`;
      await this.#row('stories', title, () => play(this.#ground, id));
      await this.#ground.leave(id);
    }
  }

  async #questions(): Promise<void> {
    const ground = this.#ground;
    const { screen, watchMs } = this.#options;
    await screen.during('A group for the questions', '', () => prepare(ground));
    // It waits for the end of a leaf, beside the others.
    const end: Question = {
      title: 'A session whose leaf ends',
      of: ['sessionsEndAtNotAfter'],
      ask: endOfLeaf(watchMs),
    };
    const latest = Date.now() + LEAF_MS + watchMs;
    const ending = this.#answer(end);
    // It is awaited last, and a rejection without a listener ends the process.
    ending.catch(() => undefined);
    const order: Question = {
      title: 'PUBACKs in another order than the messages',
      of: ['acksInOrder'],
      ask: inOrder((id, body) => this.#send(id, body)),
    };
    const told = async (question: Question, about: string, asked: () => Promise<Asked>): Promise<void> => {
      const found = await screen.during(question.title, about, asked, toldOf);
      this.found.asked.push(found);
    };
    for (const question of [...DPS_QUESTIONS, ...HUB_QUESTIONS, order]) {
      await told(question, '', () => this.#answer(question));
    }
    this.found.lags.push(...(await screen.during('How late a service is', '', () => lags(ground, 'q-lag'))));
    await told(end, `it is watched until ${timeOf(latest)} UTC, or until it ends`, () => ending);
  }

  /** By `az`: a back end speaks AMQP for it. */
  async #send(id: string, body: string): Promise<void> {
    const { hub } = this.#options;
    const to = { 'device-id': id, 'hub-name': hub, 'resource-group': hub };
    await this.#az.ask('iot device c2d-message send', { ...to, data: body });
  }

  async #answer(question: Question): Promise<Asked> {
    this.#options.stop.throwIfAborted();
    const answer = await question
      .ask(this.#ground)
      .catch(async (error: unknown) => ({ failed: await this.#failure(error) }));
    this.#options.stop.throwIfAborted();
    return { question, answer };
  }

  /** In words. Not those of a program that is waited for, and that Ctrl-C has ended: it ends this one as well. */
  async #failure(error: unknown): Promise<string> {
    await pause(HEARD_MS);
    this.#options.stop.throwIfAborted();
    return wordsOf(error);
  }

  async #row(part: Row['part'], title: string, play: () => Promise<void>): Promise<void> {
    this.#options.stop.throwIfAborted();
    const from = Date.now();
    const once = async (): Promise<string | undefined> => {
      const failed = await play().then(
        () => undefined,
        (error) => this.#failure(error),
      );
      // What was cut off has shown nothing.
      this.#options.stop.throwIfAborted();
      return failed;
    };
    const failed = await this.#options.screen.during(title, '', once, (failed, took) =>
      failed === undefined ? `held, ${took}` : `did not hold: ${firstLine(failed)}`,
    );
    const seconds = (Date.now() - from) / 1_000;
    this.found.rows.push({ part, title, seconds, ...(failed !== undefined && { failed }) });
  }
}

/** The answer to a question, for the screen. */
const toldOf = (asked: Asked): string =>
  switchesOf(asked) || ('failed' in asked.answer ? asked.answer.failed : asked.answer.seen);
