import { bar, hang, type Output, type Screen, safe } from './screen.ts';

const FRAMES = { unicode: ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇'], ascii: ['|', '/', '-', '\\'] };
const FRAME_MS = 150;
const ERASE = '\r\u001b[K';

/** Lines that stay, and on a terminal a moving line below them for work in progress. */
export class Progress {
  readonly #out: Output;
  readonly #screen: Screen;
  readonly #frames: readonly string[];
  #doing = '';
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: Output, screen: Screen) {
    this.#out = out;
    this.#screen = screen;
    this.#frames = screen.isUnicode ? FRAMES.unicode : FRAMES.ascii;
  }

  /** Prints whole lines, each with its newline. */
  print(lines: string): void {
    if (lines === '') return;
    const shown = this.#out.isTTY ? hang(this.#screen, lines) : lines;
    this.#out.write(`${this.#timer === undefined ? '' : ERASE}${shown}`);
    this.#draw();
  }

  /** Names the work that begins now. */
  doing(words: string): void {
    const isNew = words !== this.#doing;
    this.#doing = words;
    if (!this.#out.isTTY) return;
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#turn(), FRAME_MS);
    else if (!isNew) return;
    this.#draw();
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#out.write(ERASE);
  }

  #turn(): void {
    this.#frame += 1;
    this.#draw();
  }

  #draw(): void {
    if (this.#timer === undefined) return;
    const line = `${this.#frames[this.#frame % this.#frames.length]} ${this.#doing}`;
    this.#out.write(`${ERASE}${this.#cut(line)}`);
  }

  /**
   * A line that wraps cannot be drawn over; some serial terminals wrap as soon as their last column is filled. It is cut
   * between words: half a word may be another word.
   */
  #cut(line: string): string {
    const columns = this.#out.columns || Number.POSITIVE_INFINITY;
    if (line.length < columns) return line;
    const dots = safe(this.#screen, '…');
    const room = columns - 2 - dots.length;
    const kept = line.slice(0, room + 1).replace(/ *\S*$/, '');
    return kept === '' ? line.slice(0, columns - 1) : `${kept} ${dots}`;
  }
}

/** Cells of a bar, and the room beside it for label, count and note. */
const CELLS = { most: 24, beside: 30 };

/** How many of all are done: `asked   [########................]  7/20  1 failed`. The last line stays. */
export class Count {
  readonly #progress: Progress;
  readonly #screen: Screen;
  readonly #label: string;
  readonly #cells: number;
  #line = '';

  constructor(out: Output, screen: Screen, label: string) {
    this.#progress = new Progress(out, screen);
    this.#screen = screen;
    this.#label = label.padEnd(7);
    this.#cells = Math.min(CELLS.most, screen.width - CELLS.beside);
  }

  show(part: number, total: number, note = ''): void {
    const drawn = bar(this.#screen, total === 0 ? 0 : part / total, undefined, this.#cells);
    const count = `${String(part).padStart(String(total).length)}/${total}`;
    this.#line = `${this.#label} [${drawn}] ${count}${note === '' ? '' : `  ${safe(this.#screen, note)}`}`;
    this.#progress.doing(this.#line);
  }

  end(): void {
    this.#progress.end();
    this.#progress.print(this.#line === '' ? '' : `${this.#line}\n`);
    this.#line = '';
  }
}
