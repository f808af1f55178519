import { picture, text } from './paper.ts';

const CELL = { width: 7.85, height: 17 };
const MARGIN = 16;
const FONT = "13px ui-monospace,'SFMono-Regular',Menlo,Consolas,'DejaVu Sans Mono',monospace";

/** A line that begins a story or a block stands out; times and marks stand back. */
function line(words: string, row: number): string {
  const y = MARGIN + (row + 0.8) * CELL.height;
  if (/^ {0,3}\S.*: |^\d\. |^●|^What to do|^Lately|^\$ /.test(words) && !/^ {0,3}\d+\.\d{3} s/.test(words))
    return text(MARGIN, y, words, { colour: 'bold', isBold: true });
  const [, time = '', rest = words] = /^( *\d+\.\d{3} s {2})(.*)$/.exec(words) ?? [];
  const x = MARGIN + time.length * CELL.width;
  return `${time === '' ? '' : text(MARGIN, y, time, { colour: 'faint' })}${text(x, y, rest)}`;
}

/** A still of a terminal. @param told what it shows */
export function terminal(told: string, screen: string): string {
  const lines = screen.trimEnd().split('\n');
  const columns = Math.max(...lines.map(({ length }) => length));
  return picture(
    2 * MARGIN + columns * CELL.width,
    2 * MARGIN + lines.length * CELL.height,
    FONT,
    told,
    lines.map(line),
  );
}
