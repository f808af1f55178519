import type { Stage } from '../demonstration/stage.ts';
import { at, type Colour, picture, text } from './paper.ts';

/** From and to in milliseconds since the call. */
export interface Bar {
  readonly words: string;
  readonly colour: Colour;
  readonly from: number;
  readonly to: number;
}

export interface Roll {
  readonly phases: readonly Bar[];
  readonly standing: readonly Bar[];
  /** The twin read that proves the new leaf. */
  readonly provenAt: number;
  readonly endedAt: number;
}

const WORDS: Readonly<Record<string, string>> = {
  'generating-key': 'a new key is made in the token',
  'requesting-leaf': 'the CA signs a leaf for it',
  'registering-next': 'DPS accepts the new leaf',
  'connecting-next': 'the hub accepts the new leaf',
  'retiring-key': 'the old key is destroyed',
};

/** The roll that was played last: phases of the daemon's log, sessions as the far side saw them. @param since of both logs */
export function rollOf({ far, gateway }: Stage, since: { readonly log: number; readonly far: number }): Roll {
  const seen = far.log.entries.slice(since.far);
  const zero = seen.find(({ event }) => event === 'method')?.at ?? 0;
  const moves = gateway.log.lines.slice(since.log).filter(({ event }) => event === 'transition');
  const times = moves.map(({ time }) => Date.parse(String(time)) - zero);
  const phases = moves.slice(0, -1).map(({ to }, index): Bar => {
    const [from = 0, until = 0] = [times[index], times[index + 1]];
    return { words: WORDS[String(to)] ?? String(to), colour: 'work', from, to: until };
  });
  const endedAt = times.at(-1) ?? 0;
  const opened = (seen.find(({ event }) => event === 'connected')?.at ?? 0) - zero;
  const closed = (seen.find(({ event, server }) => event === 'disconnected' && server === 'hub1')?.at ?? 0) - zero;
  const provenAt = (seen.find(({ event }) => event === 'twin')?.at ?? 0) - zero;
  const made = times[1] ?? 0;
  const standing: readonly Bar[] = [
    { words: 'session with the old leaf', colour: 'old', from: 0, to: closed },
    { words: 'session with the new leaf', colour: 'next', from: opened, to: endedAt },
    { words: 'old key in the token', colour: 'old', from: 0, to: endedAt },
    { words: 'new key in the token', colour: 'next', from: made, to: endedAt },
  ];
  return { phases, standing, provenAt, endedAt };
}

const WIDTH = 860;
const LEFT = 290;
const RIGHT = 24;
const ROW = 26;
const TOP = 58;
const FONT = "13px -apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif";

/** A row for each phase and for each thing that stands, all by one clock. */
export function rollPicture({ phases, standing, provenAt, endedAt }: Roll): string {
  const x = (ms: number) => LEFT + (Math.max(0, ms) / endedAt) * (WIDTH - LEFT - RIGHT);
  const rows = [...phases, undefined, ...standing];
  const height = TOP + rows.length * ROW + 34;
  const bars = rows.flatMap((bar, row) => {
    if (bar === undefined) return [];
    const y = TOP + row * ROW;
    const [from, to] = [x(bar.from), x(bar.to)];
    const box = `<rect x="${at(from)}" y="${at(y)}" width="${at(Math.max(2, to - from))}" height="14" rx="3" class="${bar.colour}"/>`;
    const took = `${((bar.to - bar.from) / 1000).toFixed(2)} s`;
    const notes = phases.includes(bar) ? [text(LEFT - 14, y + 12, took, { colour: 'faint', anchor: 'end' })] : [];
    return [text(LEFT - 64, y + 12, bar.words, { anchor: 'end' }), box, ...notes];
  });
  const bottom = height - 30;
  const proven = `<line x1="${at(x(provenAt))}" x2="${at(x(provenAt))}" y1="36" y2="${at(bottom)}" class="s-next" stroke-width="1.5" stroke-dasharray="4 3"/>`;
  const ticks = [0, provenAt, endedAt].map((ms, index) =>
    text(x(ms), bottom + 18, `${(ms / 1000).toFixed(2)} s`, {
      colour: 'faint',
      anchor: index === 0 ? 'start' : index === 1 ? 'middle' : 'end',
    }),
  );
  const heads = [
    text(24, 28, 'A roll, as the demo played it', { isBold: true }),
    text(x(provenAt), 28, 'PROVEN', { colour: 'next', isBold: true, anchor: 'middle' }),
  ];
  const told = `A roll of ${(endedAt / 1000).toFixed(2)} seconds: the old session and the old key stand until the new leaf is proven.`;
  return picture(WIDTH, height, FONT, told, [...heads, proven, ...bars, ...ticks]);
}
