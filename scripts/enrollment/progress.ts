import type { Paper } from './desk.ts';
import { bar, safe } from './screen.ts';

/** A longer line would wrap, and could not be drawn over. */
const LONGEST_NOTE = 40;

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
    const line = bar(this.#label, part, total, safe(note).slice(0, LONGEST_NOTE));
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
