import { createHash } from 'node:crypto';

/** When the screens of the pages were taken, in UTC. */
const MOMENT = Date.parse('2026-11-25T13:49:53Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Makes screens look the same at each run: a changing value is replaced by one of the same length, and by the same one
 * wherever it appears again.
 */
export class Lasting {
  readonly #aliases = new Map<string, string>();
  readonly #names: readonly (readonly [of: string, shown: string])[];

  /** @param names of this run, as ports and hosts, and their shown forms */
  constructor(names: Readonly<Record<string, string>>) {
    this.#names = Object.entries(names);
  }

  /**
   * @param at when the screen was taken, wall clock in milliseconds
   * @param durations their shown forms, in seconds
   */
  of(text: string, at: number, durations: readonly string[] = []): string {
    const left = [...durations];
    return this.#names
      .reduce((now, [name, shown]) => now.replaceAll(name, shown), text)
      .replaceAll(THUMBPRINT, (_, first: string, between: string, second: string) => {
        const halves = this.#alias(`${first}${second}`.replaceAll(' ', '')).match(/.{1,32}/g) ?? [];
        return halves.map((half) => half.match(/.{4}/g)?.join(' ')).join(between);
      })
      .replaceAll(HEX, (hex) => this.#alias(hex))
      .replaceAll(REQUEST, (_, before: string, id: string) => before + this.#request(id))
      .replaceAll(LOCAL, (written) => local(stamp(Date.parse(`${written.replace(' ', 'T')}Z`), at), written.length))
      .replaceAll(ISO, (written) => new Date(stamp(Date.parse(written), at)).toISOString())
      .replaceAll(MODULES, 'Looking into 2 PKCS#11 modules, for 15 s at most …\n')
      .replaceAll(/\b\d\.\d\d s\b/g, () => `${left.shift() ?? '0.12'} s`)
      .replaceAll(/\bended (?:now|\d+ s ago)/g, 'ended now')
      .replaceAll(/\bin (\d\d?) min\b/g, (_, minutes: string) => (minutes.length === 1 ? 'in 5 min' : 'in 58 min'))
      .replaceAll(/\b[\d.]+(\s+)[MG]iB\b/g, '10.0$1GiB')
      .replaceAll(/\b\d+(?=\s+files\b)/g, (number) => `1${'0'.repeat(number.length - 1)}`);
  }

  /** The second half of an ID is a random number, and may be shorter. */
  #request(id: string): string {
    const [first = '', second = ''] = id.split('-');
    return first === 'newleaf' ? `newleaf-${this.#alias(second)}` : this.#alias(`${first}-${second.padEnd(4, '0')}`);
  }

  /** Digits of the same kind and number. */
  #alias(value: string): string {
    const name = value.toLowerCase();
    const known = this.#aliases.get(name) ?? digits(this.#aliases.size, value);
    this.#aliases.set(name, known);
    return value === name ? known : known.toUpperCase();
  }
}

/** Hex with the hyphens of the value. */
function digits(seed: number, value: string): string {
  const hex = createHash('sha512').update(String(seed)).digest('hex');
  return [...value].map((one, index) => (one === '-' ? one : (hex[index] ?? '0'))).join('');
}

/** 16 groups in two rows, as `status` shows a thumbprint, or the 10 of SHA-1. */
const THUMBPRINT = /((?:[0-9A-F]{4} ){7}[0-9A-F]{4})(\s+)((?:[0-9A-F]{4} ){1,7}[0-9A-F]{4})/g;
/** The number of modules of the machine, and the faults of the useless ones. */
const MODULES = /Looking into \d+ PKCS#11 modules, for 15 s at most …\n(?: {2}- {2}.*\n(?: {5}\S.*\n)*)*/g;
/** Thumbprints, CKA_IDs, serial numbers, and UUIDs. */
const HEX = /\b(?:[0-9a-f]{16,}|[0-9A-F]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/g;
const REQUEST = /\b(Accepted as |Following |roll |re-registration )([a-z0-9]{8}-[a-z0-9]{1,4}|newleaf-[a-z0-9]{8})\b/g;
const LOCAL = /\b\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g;
const ISO = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** As far from MOMENT as it was from the moment of the screen, without the delay of a busy machine. */
function stamp(written: number, at: number): number {
  const away = written - at;
  if (Math.abs(away) < 2 * MINUTE) return MOMENT;
  if (Math.abs(away) < 2 * HOUR) return MOMENT + (away < 10 * MINUTE ? 5 : 58) * MINUTE;
  return MOMENT + Math.round(away / HOUR) * HOUR;
}

const local = (at: number, length: number): string => new Date(at).toISOString().replace('T', ' ').slice(0, length);
