import type { Draft } from '../../config/draft.ts';
import type { Written } from '../../config/schema.ts';
import { Fault } from '../../failure/failure.ts';
import type { Account } from '../../machine/account.ts';
import type { Dialogue } from './dialogue.ts';
import type { Errands } from './errands.ts';

/** What the steps share. */
export interface Guide {
  readonly dialogue: Dialogue;
  /** The configuration as it comes to be. */
  readonly answers: InitAnswers;
  /** A flag of the command line. */
  readonly flag: (name: string) => string | undefined;
  /** Flags that did not work out: the person is asked instead. */
  readonly forget: (...flags: readonly string[]) => void;
  /** The configuration that is written; what belongs to it lies beside it. */
  readonly file: string;
  /** The user of the daemon, where init runs as root and the unit has one. */
  readonly account: Account | undefined;
  /** What has to be tried as the daemon, in a process of its own. */
  readonly errands: Errands;
  /** Text of stdin, for `--pin-file -`. */
  readonly stdin: () => Promise<string>;
}

/** Settings by name, as somebody would write them, and the flags that are missing where nobody is asked. */
export class InitAnswers {
  readonly #written: Map<string, Written>;
  readonly #missing: string[] = [];

  constructor(draft: Draft) {
    this.#written = new Map(draft);
  }

  get draft(): Draft {
    return this.#written;
  }

  /** A setting that is a text; undefined where it is absent. */
  text(name: string): string | undefined {
    const value = this.#written.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  get(name: string): Written | undefined {
    return this.#written.get(name);
  }

  /** `undefined` takes it away. */
  set(name: string, value: Written | undefined): void {
    if (value === undefined) this.#written.delete(name);
    else this.#written.set(name, value);
  }

  /** Notes that nobody could be asked, and which flag would have answered. */
  miss(flag: string): void {
    this.#missing.push(flag);
  }

  /** @throws Fault NL-CONFIG that names every missing flag */
  demandAll(): void {
    if (this.#missing.length === 0) return;
    const flags = this.#missing.map((flag) => `--${flag}`).join(', ');
    throw new Fault('NL-CONFIG', {
      message: `There is nobody to ask, and no default for: ${flags}.`,
      advice: 'Call newleaf init again with these flags (newleaf init --help), or on a terminal without --yes.',
    });
  }
}
