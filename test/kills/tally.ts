import { KINDS, type Kind, kindOf, named } from './calls.ts';
import type { End } from './lane.ts';
import { cpuSeconds } from './machine.ts';

/** What was killed, and how it went on. */
export class Tally {
  readonly #story: string;
  #kills = 0;
  #powerCuts = 0;
  /** Kills while a daemon came back from the kill before. */
  #again = 0;
  #faults = 0;
  readonly #places = new Map<Kind, Set<string>>();
  readonly #recoveries: number[] = [];

  constructor(story: string) {
    this.#story = story;
  }

  killed(at: string, end: End, isAgain: boolean): void {
    const [side = '', name = '', ...rest] = at.split(' ');
    const path = rest.join(' ');
    const kind = kindOf({ name, path });
    this.#places.set(kind, (this.#places.get(kind) ?? new Set()).add(named(side, name, path)));
    this.#kills += 1;
    if (end !== 'kill') this.#powerCuts += 1;
    if (isAgain) this.#again += 1;
  }

  /** @param ms from the start of the process until it had settled */
  recovered(ms: number): void {
    this.#recoveries.push(ms);
  }

  /** Is printed at once. @param where it was killed last @param log of the daemon, its end, and the machine */
  fault(where: string, cause: unknown, log: string): void {
    this.#faults += 1;
    console.error(`${this.#story}, ${where}: ${cause instanceof Error ? cause.stack : cause}\n${log}`);
  }

  get kills(): number {
    return this.#kills;
  }

  /** A row for the page: kills, different places by kind, seconds. */
  row(): string {
    const sorted = [...this.#recoveries].sort((a, b) => a - b);
    const seconds = (share: number) => ((sorted[Math.ceil(sorted.length * share) - 1] ?? 0) / 1000).toFixed(1);
    const places = KINDS.map((kind) => this.#places.get(kind)?.size ?? 0);
    return `| ${[this.#story, this.#kills, this.#powerCuts, this.#again, ...places, seconds(0.5), seconds(1), this.#faults].join(' | ')} |`;
  }

  /** The rows, and what the kills cost. */
  static page(all: readonly Tally[]): string {
    const kills = all.reduce((sum, one) => sum + one.kills, 0);
    const { own, children } = cpuSeconds();
    const [seconds, each] = [performance.now() / 1000, (own + children) / kills].map((one) => one.toFixed(2));
    const cost = `${kills} kills in ${seconds} s; ${each} s of CPU each (${own} s in all of the test, ${children} s of the daemons).`;
    return [...Tally.#HEAD, ...all.map((one) => one.row()), '', cost].join('\n');
  }

  static readonly #HEAD = [
    `| story | kills | of these power cuts | while it came back | ${KINDS.join(' | ')} | s, half | s, worst | faults |`,
    `|---|${'--:|'.repeat(10)}`,
  ];
}
