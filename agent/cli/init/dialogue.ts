import { once } from 'node:events';
import { failureOf } from '../../failure/failure-of.ts';
import { limited } from '../../time/limited.ts';
import { type Complaint, complaint } from '../kit/command.ts';
import type { Prompt } from '../kit/prompt.ts';
import { type Colour, type Output, paint, type Screen, safe, toCopy, wrap } from '../kit/screen.ts';
import { took } from '../moment.ts';

/** The person wants to answer the question before once more. */
export class Back extends Error {
  override readonly name = 'Back';
  override readonly message = 'back';
}

/** For a catch: what `back` means here. @throws what is not Back */
export const onBack =
  <T>(meaning: () => T) =>
  (error: unknown): T => {
    if (error instanceof Back) return meaning();
    throw error;
  };

/** Where no asks the question before again. */
export const toNo = onBack(() => false);

export interface Choice<K extends string> {
  readonly key: K;
  readonly words: string;
}

const INDENT = '  ';

const NOTICED_MS = 1_000;

const BACK = 'back';

export const YES_OR_NO = /^(y|yes|n|no)$/i;

const HOW_TO_ANSWER =
  'Type the answer, then Enter. Enter alone takes the value in brackets; `back` goes to the question before; Ctrl-C ends it, and your answers are kept. All questions: `newleaf help init`';

/** The fault of an answer, as the end of a sentence; undefined where it is accepted. */
type Objection = (typed: string) => string | undefined | Promise<string | undefined>;

/** Text for the person in front of the screen, and questions, where there is a terminal. */
export class Dialogue {
  readonly screen: Screen;
  hasSpoken = false;
  questions = 0;
  readonly #out: Output;
  readonly #prompt: Prompt | undefined;

  /** @param prompt undefined: no question can be asked */
  constructor(out: Output, screen: Screen, prompt: Prompt | undefined) {
    this.#out = out;
    this.screen = screen;
    this.#prompt = prompt;
  }

  /** Whether there is a person to ask. Without one, call only the methods that print. */
  get asks(): boolean {
    return this.#prompt !== undefined;
  }

  title(words: string): void {
    this.#write([...(this.hasSpoken ? [''] : []), ...this.#painted('bold', words), '']);
  }

  say(words: string): void {
    this.#write(wrap(this.screen, words, { first: INDENT }));
  }

  paragraph(words: string): void {
    this.blank();
    this.say(words);
  }

  hint(words: string): void {
    this.#write(this.#painted('dim', `(${words})`, INDENT));
  }

  item(mark: string, words: string): void {
    this.#marked(INDENT, mark, undefined, words);
  }

  /** Text to copy: as it is, however long its lines are. */
  copy(text: string): void {
    this.#write(text.trimEnd().split('\n'));
  }

  /** Commands to copy, in the words of the screen: each stays one line. */
  commands(lines: readonly string[]): void {
    this.#write(lines.map((line) => `    ${toCopy(this.screen, `\`${line}\``)}`));
  }

  blank(): void {
    this.#write(['']);
  }

  step(tookMs: number, mark: '..' | '!!', words: string): void {
    this.#marked(`${INDENT}${took(tookMs).padStart(8)}  `, mark, mark === '!!' ? 'yellow' : 'dim', words);
  }

  ok(words: string): void {
    this.#marked(INDENT, 'ok', 'green', words);
  }

  wrong(what: Complaint): void {
    this.#out.write(complaint(what, this.screen, INDENT));
  }

  /** Tells the person what was met; where there is none, it ends the command. */
  meet(error: unknown): void {
    if (!this.asks) throw error;
    this.wrong(failureOf(error));
  }

  /**
   * Asks until the answer is accepted.
   * @param fallback what Enter means
   * @param first an answer that is there already
   * @throws Back, as all that asks does
   */
  text(words: string, fallback: string | undefined, objection: Objection, first?: string): Promise<string> {
    const shown = fallback === undefined ? '' : ` [${safe(this.screen, fallback)}]`;
    const ask = async () => (await this.#answer('line', `${words}${shown}`)) || fallback || '';
    return this.#accepted(ask, (typed) => (typed === '' ? 'is needed' : objection(typed)), first);
  }

  /** The same, unseen; an answer may be empty. */
  secret(words: string, objection: Objection = () => undefined): Promise<string> {
    return this.#accepted(() => this.#answer('secret', words), objection);
  }

  async choose<K extends string>(words: string, choices: readonly Choice<K>[], fallback: K | undefined): Promise<K> {
    for (const [at, { words: about }] of choices.entries()) this.item(`${at + 1}`, about);
    const range = choices.length === 1 ? 'must be 1' : `must be a number from 1 to ${choices.length}`;
    const keyOf = (typed: string) => choices.find(({ key }, at) => typed === `${at + 1}` || typed === key)?.key;
    const standard = choices.findIndex(({ key }) => key === fallback) + 1;
    const objection = (typed: string) => (keyOf(typed) === undefined ? range : undefined);
    const typed = await this.text(words, standard === 0 ? undefined : `${standard}`, objection);
    return keyOf(typed) ?? this.choose(words, choices, fallback);
  }

  async confirm(words: string, fallback: boolean): Promise<boolean> {
    const objection = (typed: string) => (YES_OR_NO.test(typed) ? undefined : 'must be yes or no');
    return /^y/i.test(await this.text(words, fallback ? 'yes' : 'no', objection));
  }

  /** While this goes on, keys that answer no question are not shown. */
  async quiet<T>(work: () => Promise<T>): Promise<T> {
    this.#prompt?.hold();
    try {
      return await work();
    } finally {
      this.#prompt?.release();
    }
  }

  /** Names work that a person would notice: a screen that stands still looks broken. */
  async during<T>(words: string | undefined, work: Promise<T>): Promise<T> {
    const timer = this.asks && words !== undefined ? setTimeout(() => this.say(`${words} …`), NOTICED_MS) : undefined;
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits; on a terminal, Enter ends the wait. */
  async pause(ms: number, abort: AbortSignal): Promise<void> {
    const over = limited(abort, ms);
    if (this.#prompt !== undefined) return this.#prompt.enter(over);
    if (!over.aborted) await once(over, 'abort');
  }

  #painted(colour: Colour, words: string, first = ''): string[] {
    return wrap(this.screen, words, { first }).map((line) => paint(this.screen, colour, line));
  }

  #marked(head: string, mark: string, colour: Colour | undefined, words: string): void {
    const indent = { first: `${head}${mark}  `, rest: ' '.repeat(head.length + mark.length + 2) };
    const [first = '', ...rest] = wrap(this.screen, words, indent);
    const painted = colour === undefined ? first : first.replace(mark, paint(this.screen, colour, mark));
    this.#write([painted, ...rest]);
  }

  async #accepted(ask: () => Promise<string>, objection: Objection, first?: string): Promise<string> {
    for (let given = first; ; given = undefined) {
      const typed = given ?? (await ask());
      const wrong = await objection(typed);
      if (wrong === undefined) return typed;
      this.#write(this.#painted('yellow', `It ${wrong}.`, `${INDENT}  `));
    }
  }

  async #answer(how: 'line' | 'secret', words: string): Promise<string> {
    if (this.#prompt === undefined) throw new TypeError('there is no terminal to ask on');
    this.questions += 1;
    const lines = wrap(this.screen, `${words}:`, { first: INDENT, rest: `${INDENT}  ` });
    for (;;) {
      if (lines.length > 1) this.#write(lines.slice(0, -1));
      const typed = await this.#prompt.ask(`${lines.at(-1)} `, how);
      if (typed === BACK) throw new Back();
      if (how === 'secret' || !['help', '--help', '?'].includes(typed)) return typed;
      this.hint(HOW_TO_ANSWER);
    }
  }

  #write(lines: readonly string[]): void {
    this.hasSpoken = true;
    this.#out.write(`${lines.join('\n')}\n`);
  }
}
