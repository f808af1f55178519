import type { KeyObject } from 'node:crypto';
import { type Config, DEFAULT_PATH, draftConfig, instanceOf } from '../../config/config.ts';
import { type Draft, standardOf } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { Fault } from '../../failure/failure.ts';
import type { Account } from '../../machine/account.ts';
import { unitOf } from '../../machine/unit.ts';
import type { Leaf } from '../../roll/leaf.ts';
import { type AskErrand, askAs, awaitedIn } from '../proof/apart.ts';
import { Back, type Dialogue } from './dialogue.ts';

export interface KeyInFile {
  readonly file: string;
  readonly object: KeyObject;
}

/** The identity that newleaf begins with, instead of a key of its own. With no field, init looks for it in the token. */
export interface Adopted {
  /** From a file, leaf first. */
  readonly chain?: string | undefined;
  /** It is brought into the token. */
  readonly key?: KeyInFile | undefined;
  /** The key is in the token already. */
  readonly uri?: string | undefined;
  /** Of the token that holds the key. */
  readonly pin?: string | undefined;
  /** Undefined where newleaf does not know the program that was here. */
  readonly aziot?: { readonly isEdge: boolean } | undefined;
}

export interface Guide {
  readonly dialogue: Dialogue;
  readonly answers: InitAnswers;
  readonly flags: Flags;
  /** The configuration to write; its secrets lie beside it. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** The user of the daemon, where init runs as root and the unit has one. */
  readonly account: Account | undefined;
  /** The configuration that stands, where it is complete. */
  readonly before: Config | undefined;
  /** The leaf that it has: what is wrong with a new answer would not be met until the next roll. */
  readonly leaf: Leaf | undefined;
  /** Where the configuration is lost: the URI of the token with the key of that leaf. */
  readonly left?: string | undefined;
  /** In a process of the daemon's user. */
  readonly errand: AskErrand;
  readonly adopted?: Adopted | undefined;
  /** Files that this run has made beside the configuration: path of the copy, and of what it was made. */
  readonly copies: Map<string, string>;
  /** What is to be said when the configuration is written: until then it may be undone. */
  readonly later: string[];
  /** A PIN that replaces the one in use when the configuration is written; and whether this run has stored any. */
  readonly staged: { pin?: { readonly pin: string; readonly path: string } | undefined; isStored?: true };
  readonly stdin: () => Promise<string>;
}

/** Asks one thing, or nothing where it is known or does not matter. */
export type Question = (guide: Guide) => Promise<unknown>;

/** The options of the command line that have a value, and what is taken over as if it stood there. */
export class Flags extends Map<string, string> {
  hasAny(...names: readonly string[]): boolean {
    return names.some((name) => this.has(name));
  }

  /** Their values have failed: the person is asked instead. */
  forget(...names: readonly string[]): void {
    for (const name of names) this.delete(name);
  }

  /** The command line wins. */
  propose(name: string, value = ''): void {
    if (value !== '' && !this.has(name)) this.set(name, value);
  }
}

/** A question that is asked only where it matters. */
export const when =
  (matters: (guide: Guide) => boolean, ask: Question): Question =>
  async (guide) =>
    matters(guide) ? ask(guide) : undefined;

/** Settings by name, in their TOML form, and the flags that are missing where there is no terminal. */
export class InitAnswers extends Map<string, Written> {
  readonly #missing: string[] = [];
  readonly #before: Draft;
  readonly #file: string;

  /** @param file the configuration, whose place decides some defaults */
  constructor(draft: Draft, file = DEFAULT_PATH) {
    super(draft);
    this.#before = new Map(draft);
    this.#file = file;
  }

  /** The settings so far, as the daemon reads them: one that is missing is undefined, whatever its type says. */
  get config(): Config {
    return draftConfig(this, this.#file).config;
  }

  /** A setting that is a text; undefined where it is absent. */
  text(name: string): string | undefined {
    const value = this.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  before(name: string): Written | undefined {
    return this.#before.get(name);
  }

  /** Configured, or the default. */
  inEffect(name: string): string {
    return String(this.get(name) ?? standardOf(name, this.#file));
  }

  /** `undefined` removes it. */
  override set(name: string, value: Written | undefined): this {
    if (value !== undefined) return super.set(name, value);
    this.delete(name);
    return this;
  }

  /** Notes a question that could not be asked, and the flag that would have answered it. */
  miss(flag: string): void {
    this.#missing.push(flag);
  }

  /** @throws Fault NL-CONFIG that names every missing flag */
  demandAll(): void {
    if (this.#missing.length === 0) return;
    const flags = this.#missing.map((flag) => `--${flag}`).join(', ');
    const advice =
      'Call `newleaf init` again with these flags (`newleaf init --help`), or on a terminal without --yes.';
    throw misconfigured(`newleaf cannot ask here, and there is no default for: ${flags}.`, advice);
  }
}

/** @param wrong the fault of its value, as the end of a sentence */
export const wrongFlag = (flag: string, wrong: string): Fault =>
  misconfigured(`--${flag} ${wrong}.`, 'See: `newleaf init --help`');

export const misconfigured = (message: string, advice?: string, cause?: unknown): Fault =>
  new Fault('NL-CONFIG', { message, advice, cause });

/** Asks one after the other; `back` leads to the last one that was really asked. @throws Back where there is none */
export async function askInOrder<T>(guide: Guide, questions: readonly ((guide: Guide) => Promise<T>)[]) {
  const asked: number[] = [];
  const answers: (T | undefined)[] = [];
  for (let at = 0; at < questions.length; ) {
    const before = guide.dialogue.questions;
    try {
      answers[at] = await questions[at]?.(guide);
      if (guide.dialogue.questions > before) asked.push(at);
      at += 1;
    } catch (error) {
      const last = error instanceof Back ? asked.pop() : undefined;
      if (last === undefined) throw error;
      at = last;
    }
  }
  return answers;
}

/** @param account the user, where this process can become it */
export const errandAs =
  (account: Account | undefined, file: string, dialogue: Dialogue): AskErrand =>
  (question, asked) =>
    dialogue.during(awaitedIn(question), askAs({ account, unit: unitOf(instanceOf(file).unit) }, question, asked));
