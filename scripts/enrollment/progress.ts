import type { Paper } from './desk.ts';
import { bar } from './screen.ts';

/** A bar that fills up in place on a terminal; elsewhere its last state only, as a line. */
export class Progress {
  readonly #paper: Paper;
  readonly #label: string;
  #drawn = '';

  constructor(paper: Paper, label: string) {
    this.#paper = paper;
    this.#label = label;
  }

  show(part: number, total: number, note = ''): void {
    const line = bar(this.#label, part, total, note);
    if (line !== this.#drawn && this.#paper.isTTY) {
      const [home, toEndOfLine] = ['\r', '\u001b[K'];
      this.#paper.write(`${home}${line}${toEndOfLine}`);
    }
    this.#drawn = line;
  }

  end(): void {
    this.#paper.write(this.#paper.isTTY ? '\n' : `${this.#drawn}\n`);
  }
}
