import { type Desk, type Manner, Misuse } from './desk.ts';

/** An option, as node's parseArgs takes it, and what the help says about it. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  readonly multiple?: true;
  /** What stands after it, where it takes something. */
  readonly value?: string;
  readonly meaning: string;
}

export interface Call {
  readonly desk: Desk;
  readonly manner: Manner;
  /** What follows the name of the command. */
  readonly operands: readonly string[];
  readonly options: Options;
}

export interface Command {
  /** Operands, as the usage line shows them. */
  readonly operands: string;
  /** How many there may be; default exactly one. */
  readonly count?: { readonly least: number; readonly most: number };
  readonly meaning: string;
  readonly about: readonly string[];
  readonly options?: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
  readonly run: (call: Call) => Promise<number>;
}

/** The options of one call, as parseArgs read them. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** @throws Misuse where it is not one of them */
  oneOf<T extends string>(name: string, known: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = known.find((one) => one === value);
    if (value !== undefined && found === undefined) {
      throw new Misuse(`--${name} is one of ${known.join(', ')}, not "${value}".`);
    }
    return found;
  }

  /** @throws Misuse where it is no whole number from 0 to `most` */
  seconds(name: string, fallback: number, most: number): number {
    const value = this.text(name);
    const read = value === undefined ? fallback : Number(value);
    if (!Number.isInteger(read) || read < 0 || read > most || value === '') {
      throw new Misuse(`--${name} is a number of seconds from 0 to ${most}, not "${value}".`);
    }
    return read;
  }
}

/** The only operand of most commands. */
export function only({ operands }: Call): string {
  const [operand] = operands;
  if (operand === undefined) {
    throw new Misuse('An operand is missing.');
  }
  return operand;
}
