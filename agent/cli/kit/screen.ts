/** The part of process.stdout and process.stderr that a command uses. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  /** Of a terminal: its size has changed. */
  on?(event: 'resize', listener: () => void): unknown;
  /** Changes the commands in each text that is written: screens break their lines after that. */
  readonly rewrite?: (text: string) => string;
  /** Whether a person brings the leaves of this gateway: asked for an advice that depends on it. */
  readonly isByPerson?: () => boolean;
}

export interface Screen {
  /** Characters in a line. */
  readonly width: number;
  readonly isColoured: boolean;
  readonly isUnicode: boolean;
  /** That of the output. */
  readonly rewrite?: ((text: string) => string) | undefined;
  readonly isByPerson?: (() => boolean) | undefined;
}

/** Longer lines are hard to read; shorter ones break every word. */
const WIDTHS = { least: 40, usual: 80, most: 100 };

/**
 * The abilities of the output. Colours: only on a terminal that has them, and where NO_COLOR is not set (no-color.org: "when
 * present and not an empty string"). Symbols: only in a UTF-8 locale, in the order of locale(7).
 */
export function screenOf({ isTTY = false, columns, rewrite, isByPerson }: Output, env: NodeJS.ProcessEnv): Screen {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const isDumb = env.TERM === 'dumb';
  return {
    // A serial console that was never told its size reports 0.
    width: Math.min(Math.max(columns || Number(env.COLUMNS) || WIDTHS.usual, WIDTHS.least), WIDTHS.most),
    isColoured: isTTY && !isDumb && !env.NO_COLOR,
    isUnicode: /utf-?8/i.test(locale) && !isDumb,
    ...(rewrite && { rewrite }),
    ...(isByPerson && { isByPerson }),
  };
}

const ESCAPE = '\u001b';
const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Colour = keyof typeof SGR;

export function paint({ isColoured }: Screen, colour: Colour, text: string): string {
  return isColoured && text !== '' ? `${ESCAPE}[${SGR[colour]}m${text}${ESCAPE}[0m` : text;
}

const GLYPHS = {
  dot: ['●', '*'],
  arrow: ['→', '->'],
  full: ['█', '#'],
  empty: ['░', '.'],
  mark: ['│', '|'],
} as const;

export function glyph({ isUnicode }: Screen, name: keyof typeof GLYPHS): string {
  return GLYPHS[name][isUnicode ? 0 : 1];
}

const ASCII: Readonly<Record<string, string>> = { '…': '...', '→': '->', '–': '-', '—': '-', '·': '-', '’': "'" };

/** Text without control characters: certificates and servers may hold escape sequences, which the terminal would obey. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

export function safe({ isUnicode }: Screen, text: string): string {
  const shown = printable(text);
  return isUnicode ? shown : shown.replace(/[^ -~]/gu, (one) => ASCII[one] ?? '?');
}

/** One line to copy, whole. A command that is alone in it is not marked: the marks would be copied with it. */
export function toCopy({ rewrite }: Screen, line: string): string {
  const told = rewrite?.(line) ?? line;
  return /^`[^`]+`$/.test(told) ? told.slice(1, -1) : told;
}

export interface Indent {
  readonly first?: string;
  readonly rest?: string;
}

/** Lines no longer than the screen is wide, broken at blanks. A longer word stays whole: it may be a path to copy. */
export function wrap(screen: Screen, text: string, { first = '', rest = first }: Indent = {}): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  let isWithin = false;
  const told = screen.rewrite?.(text) ?? text;
  for (const { piece, goesOn } of piecesOf(told, screen.width - rest.length)) {
    const clean = safe(screen, piece);
    if (!isEmpty && line.length + 1 + clean.length + (goesOn ? GOES_ON.length : 0) > screen.width) {
      lines.push(isWithin ? `${line}${GOES_ON}` : line);
      line = rest;
      isEmpty = true;
    }
    line += `${isEmpty ? '' : ' '}${clean}`;
    isEmpty = false;
    isWithin = goesOn;
  }
  return [...lines, line];
}

/** To a shell, the next line belongs to this one. */
const GOES_ON = ' \\';

/** Words; and commands, which stay whole where a line takes them: what is copied from two lines is else two commands. */
function piecesOf(text: string, room: number): readonly { readonly piece: string; readonly goesOn: boolean }[] {
  const pieces = text.match(/[^\s`]*`[^`]+`[^\s`]*|\S+/g) ?? [];
  return pieces.flatMap((piece) => {
    const words = piece.split(/\s+/);
    if (words.join(' ').length <= room) return { piece: words.join(' '), goesOn: false };
    return words.map((word, at) => ({ piece: word, goesOn: at < words.length - 1 }));
  });
}

/** Whole lines; one that is too long goes on below its second column: `  0.45 s  waiting for`. */
export function hang(screen: Screen, lines: string): string {
  return lines.replace(/^.+$/gm, (line) => {
    // A painted line was wrapped before.
    if (line.length <= screen.width || line.includes(ESCAPE)) return line;
    const [indent = '', first = ''] = /^( *)(?:\S+(?: \S+)? {2,})?/.exec(line) ?? [];
    const head = indent.length < screen.width / 2 ? indent : first;
    return wrap(screen, line.slice(head.length), { first: head, rest: ' '.repeat(head.length) }).join('\n');
  });
}

/**
 * A share as a bar.
 * @param share from 0 to 1; anything beyond is drawn as empty or full
 * @param mark a moment on the way, from 0 to 1
 * @param cells length of the bar
 */
export function bar(screen: Screen, share: number, mark: number | undefined, cells: number): string {
  const within = (part: number) => Math.min(cells, Math.max(0, Math.round(part * cells)));
  const full = within(share);
  const drawn = Array.from({ length: cells }, (_, at) => glyph(screen, at < full ? 'full' : 'empty'));
  if (mark !== undefined) drawn[Math.min(cells - 1, within(mark))] = glyph(screen, 'mark');
  return drawn.join('');
}

/** How many rows of a terminal the lines take: a line longer than its width takes several. */
export function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.replace(PAINT, '').length / columns)), 0);
}

const PAINT = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');

/**
 * Draws over the previous text, in one write and without clearing first: a cleared screen flickers. Lines that do not fit are
 * left out, because a terminal that scrolls cannot be drawn over.
 */
export function redraw(text: string, { rows, columns }: Output, isFirst: boolean): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const fits = (count: number) =>
    rowsOf(lines.slice(0, count), columns || WIDTHS.usual) < (rows || Number.POSITIVE_INFINITY);
  let shown = lines.length;
  while (shown > 1 && !fits(shown)) shown -= 1;
  const [clear, home, toEndOfLine, below] = ['[2J', '[H', '[K', '[J'].map((code) => `${ESCAPE}${code}`);
  const drawn = lines.slice(0, shown).map((line) => `${line}${toEndOfLine}\n`);
  return `${isFirst ? clear : ''}${home}${drawn.join('')}${below}`;
}
