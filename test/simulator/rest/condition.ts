import { RestRefusal } from './route.ts';

type Row = object;
type Value = (row: Row) => unknown;
type Condition = (row: Row) => boolean;

const TOKEN = /\s*(?:'((?:[^']|'')*)'|"([^"]*)"|(-?\d+(?:\.\d+)?)\b|([A-Za-z_$][\w$.]*)|(<>|!=|<=|>=|[=<>(),[\]]))/y;
/** Sources may stand before a column: `devices.jobs.jobId`. */
const SOURCE = /^devices\.(jobs\.)?/i;

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign';
  readonly text: string;
}

const COMPARE: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<>': (left, right) => left !== right,
  '<': (left, right) => ordered(left, right) < 0,
  '<=': (left, right) => ordered(left, right) <= 0,
  '>': (left, right) => ordered(left, right) > 0,
  '>=': (left, right) => ordered(left, right) >= 0,
};

/**
 * The WHERE clause of a query, or the condition of a job: comparisons, IN and NIN, AND, OR, NOT, IS_DEFINED,
 * STARTSWITH, ENDSWITH, parentheses. `*` and nothing at all hold for every row.
 * @throws RestRefusal 400
 */
export function condition(text: string): Condition {
  if (['', '*'].includes(text.trim())) return () => true;
  return new Parser(tokens(text), text).all();
}

function ordered(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return typeof left === 'string' && typeof right === 'string' ? left.localeCompare(right) : Number.NaN;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const match = TOKEN.exec(text);
    if (match === null) throw wrong(text);
    const [, single, double, number, word, sign] = match;
    const quoted = single?.replaceAll("''", "'") ?? double;
    if (quoted !== undefined) found.push({ kind: 'text', text: quoted });
    else if (number !== undefined) found.push({ kind: 'number', text: number });
    else if (word !== undefined) found.push({ kind: 'word', text: word });
    else found.push({ kind: 'sign', text: sign ?? '' });
  }
  return found;
}

const wrong = (text: string): RestRefusal =>
  new RestRefusal(400004, 'ArgumentInvalid', `BadRequest: not understood: ${text}`);

/** Recursive descent, one method a level of the grammar. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #next = 0;

  constructor(list: readonly Token[], text: string) {
    this.#tokens = list;
    this.#text = text;
  }

  all(): Condition {
    const holds = this.#or();
    if (this.#next < this.#tokens.length) throw wrong(this.#text);
    return holds;
  }

  #or(): Condition {
    const parts = [this.#and()];
    while (this.#takes('or')) parts.push(this.#and());
    return (row) => parts.some((holds) => holds(row));
  }

  #and(): Condition {
    const parts = [this.#not()];
    while (this.#takes('and')) parts.push(this.#not());
    return (row) => parts.every((holds) => holds(row));
  }

  #not(): Condition {
    if (!this.#takes('not')) return this.#atom();
    const holds = this.#not();
    return (row) => !holds(row);
  }

  #atom(): Condition {
    if (this.#takes('(')) {
      const holds = this.#or();
      this.#demand(')');
      return holds;
    }
    if (this.#takes('is_defined')) {
      const [value] = this.#arguments(1);
      return (row) => value?.(row) !== undefined;
    }
    const whole = this.#takes('startswith') ? 'startsWith' : this.#takes('endswith') ? 'endsWith' : undefined;
    if (whole !== undefined) {
      const [value, part] = this.#arguments(2);
      return (row) => String(value?.(row) ?? '')[whole](String(part?.(row)));
    }
    return this.#comparison();
  }

  #comparison(): Condition {
    const left = this.#value();
    const excluded = this.#takes('nin');
    if (excluded || this.#takes('in')) {
      const list = this.#list('[', ']');
      return (row) => list.some((value) => value(row) === left(row)) !== excluded;
    }
    const compare = COMPARE[this.#token().text];
    if (compare === undefined) throw wrong(this.#text);
    const right = this.#value();
    return (row) => compare(left(row), right(row));
  }

  #arguments(count: number): Value[] {
    const list = this.#list('(', ')');
    if (list.length !== count) throw wrong(this.#text);
    return list;
  }

  #list(open: string, close: string): Value[] {
    this.#demand(open);
    const list: Value[] = [];
    while (!this.#takes(close)) {
      if (list.length > 0) this.#demand(',');
      list.push(this.#value());
    }
    return list;
  }

  #value(): Value {
    const { kind, text } = this.#token();
    if (kind === 'text') return () => text;
    if (kind === 'number') return () => Number(text);
    if (kind === 'sign') throw wrong(this.#text);
    const literal = new Map<string, unknown>([
      ['true', true],
      ['false', false],
      ['null', null],
    ]);
    if (literal.has(text.toLowerCase())) return () => literal.get(text.toLowerCase());
    const path = text.replace(SOURCE, '').split('.');
    return (row) => path.reduce<unknown>(member, row);
  }

  #token(): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw wrong(this.#text);
    this.#next += 1;
    return token;
  }

  /** Whether this word or sign comes next; if so, it is used up. */
  #takes(text: string): boolean {
    const token = this.#tokens[this.#next];
    const found = token !== undefined && token.kind !== 'text' && token.text.toLowerCase() === text;
    this.#next += found ? 1 : 0;
    return found;
  }

  #demand(text: string): void {
    if (!this.#takes(text)) throw wrong(this.#text);
  }
}

export function member(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
}
