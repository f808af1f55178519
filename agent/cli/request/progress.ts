import type { Output } from '../command.ts';
import type { Screen } from '../screen.ts';

const FRAMES = { unicode: ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇'], ascii: ['|', '/', '-', '\\'] };
const FRAME_MS = 150;
const ERASE = '\r\u001b[K';

/** Lines that stay, and on a terminal below them a line that moves: something is being worked on. */
export class Progress {
  readonly #out: Output;
  readonly #frames: readonly string[];
  #doing = '';
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: Output, { isUnicode }: Screen) {
    this.#out = out;
    this.#frames = isUnicode ? FRAMES.unicode : FRAMES.ascii;
  }

  /** Prints whole lines, each with its newline. */
  print(lines: string): void {
    if (lines === '') return;
    this.#out.write(`${this.#timer === undefined ? '' : ERASE}${lines}`);
    this.#draw();
  }

  /** What is being worked on from now on. */
  doing(words: string): void {
    this.#doing = words;
    if (!this.#out.isTTY || this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.#frame += 1;
      this.#draw();
    }, FRAME_MS);
    this.#draw();
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#out.write(ERASE);
  }

  #draw(): void {
    if (this.#timer === undefined) return;
    this.#out.write(`${ERASE}${this.#frames[this.#frame % this.#frames.length]} ${this.#doing}`);
  }
}
