import { at, type Colour, picture, text } from '../../scripts/pictures/paper.ts';
import type { Kind } from './fleet.ts';
import { type Played, STEP_MS } from './play.ts';
import { MINUTE } from './stories.ts';

const FONT = "13px -apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif";
const WIDTH = 860;
const HEIGHT = 360;
const BOX = { left: 64, right: 250, top: 56, bottom: 48 };
const WORDS: Readonly<Record<Kind, readonly [string, Colour]>> = {
  newleaf: ['newleaf', 'next'],
  sample: ["Microsoft's sample", 'work'],
  edge: ['IoT Edge, 5 s', 'old'],
};

/** How many serve, over the minutes; and what the quota of DPS lets through. */
export function serving(all: readonly Played[]): string {
  const [own] = all;
  if (own === undefined) throw new Error('nothing was played');
  const longest = Math.max(own.boundMs, ...all.map(({ curve }) => curve.length * STEP_MS));
  const span = Math.ceil(longest / (2 * MINUTE)) * 2 * MINUTE;
  const x = (ms: number): number => BOX.left + (ms / span) * (WIDTH - BOX.left - BOX.right);
  const y = (share: number): number => HEIGHT - BOX.bottom - share * (HEIGHT - BOX.top - BOX.bottom);
  const line = (points: readonly (readonly [number, number])[], style: string): string =>
    `<polyline points="${points.map(([ms, share]) => `${at(x(ms))},${at(y(share))}`).join(' ')}" fill="none" ${style}/>`;
  const lines = all.flatMap(({ options, curve, allMs, throttled }, index) => {
    const { size } = options;
    const [words, colour] = WORDS[options.kind];
    const points = curve.map((count, step) => [step * STEP_MS, count / size] as const);
    const end = Number.isFinite(allMs) ? [[allMs, 1] as const] : [];
    const told = `${words}: ${Math.round(throttled / size)} x 429`;
    return [
      line([...points, ...end], `class="s-${colour}" stroke-width="2"`),
      text(WIDTH - BOX.right + 16, BOX.top + 44 + index * 24, told, { colour, isBold: true }),
    ];
  });
  const bound = line(
    [
      [0, 0.1],
      [own.boundMs, 1],
    ],
    'class="s-bold" stroke-width="1.5" stroke-dasharray="4 3"',
  );
  const minutes = Array.from({ length: span / (2 * MINUTE) + 1 }, (_, step) => step * 2);
  const frame = [0, 0.5, 1].flatMap((share) => [
    line(
      [
        [0, share],
        [span, share],
      ],
      'class="s-line" stroke-width="1"',
    ),
    text(BOX.left - 10, y(share) + 4, `${share * 100} %`, { colour: 'faint', anchor: 'end' }),
  ]);
  const ticks = minutes.map((minute) =>
    text(x(minute * MINUTE), HEIGHT - BOX.bottom + 20, `${minute} min`, { colour: 'faint', anchor: 'middle' }),
  );
  const title = `All ${own.options.size.toLocaleString('en')} gateways are refused in one second: how many serve again`;
  const heads = [
    text(24, 28, title, { isBold: true }),
    text(WIDTH - BOX.right + 16, BOX.top + 20, 'the quota of DPS (dashed)', { colour: 'bold' }),
  ];
  return picture(WIDTH, HEIGHT, FONT, title, [...frame, bound, ...lines, ...heads, ...ticks]);
}
