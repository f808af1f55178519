import { at, picture, text } from '../../scripts/pictures/paper.ts';
import type { Reading } from './reading.ts';

const FONT = "13px -apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif";
const WIDTH = 860;
const LEFT = 300;
const UNIT = 70;
const ROW = 26;
const TOP = 64;

/** The ratio to the floor that each figure is to come to. */
const GOALS: Readonly<Record<string, number>> = {
  'idle PSS': 1.4,
  'CPU until connected': 3,
  'CPU of newleaf help': 1.6,
  'CPU of newleaf status': 2.5,
  'refusal to serving': 1.5,
  'roll, until the new leaf serves': 1.1,
};

/** What newleaf costs, as a ratio to its floor, and the goal of each figure: SVG. */
export function ratios(found: Readonly<Record<string, readonly Reading[]>>): string {
  const rows = Object.entries(GOALS).flatMap(([name, goal]) =>
    Object.entries(found).flatMap(([node, readings]) => {
      const { value, floor } = readings.find((reading) => reading.name === name) ?? {};
      return value === undefined || floor === undefined
        ? []
        : [{ told: `${name}, ${node}`, goal, ratio: value / floor }];
    }),
  );
  const bars = rows.flatMap(({ told, goal, ratio }, index) => {
    const y = TOP + index * ROW;
    const end = LEFT + goal * UNIT;
    return [
      text(LEFT - 12, y + 13, told, { anchor: 'end' }),
      `<rect x="${LEFT}" y="${y}" width="${at(ratio * UNIT)}" height="${ROW - 8}" class="${ratio > goal ? 'work' : 'next'}"/>`,
      `<line x1="${at(end)}" y1="${y - 3}" x2="${at(end)}" y2="${y + ROW - 5}" class="s-bold" stroke-width="2"/>`,
      text(LEFT + Math.max(ratio, goal) * UNIT + 10, y + 13, `${ratio.toFixed(2)}x`, { colour: 'faint' }),
    ];
  });
  const title = 'What newleaf costs, as a ratio to what is unavoidable; the upright line is the goal';
  const floor = `<line x1="${LEFT + UNIT}" y1="${TOP - 12}" x2="${LEFT + UNIT}" y2="${TOP + rows.length * ROW}" class="s-line"/>`;
  const heads = [text(24, 28, title, { isBold: true }), floor];
  return picture(WIDTH, TOP + rows.length * ROW + 20, FONT, title, [...heads, ...bars]);
}
