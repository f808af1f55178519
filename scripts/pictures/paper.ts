/** What the pictures of README.md are made of: SVG in the colours of the page, light or dark, with the fonts that are there. */

const COLOURS = {
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    faint: '#656d76',
    line: '#d0d7de',
    old: '#8c959f',
    next: '#1a7f37',
    work: '#0969da',
    bold: '#1f2328',
  },
  dark: {
    paper: '#0d1117',
    ink: '#e6edf3',
    faint: '#8d96a0',
    line: '#30363d',
    old: '#8b949e',
    next: '#3fb950',
    work: '#58a6ff',
    bold: '#ffffff',
  },
} as const;

export type Colour = keyof (typeof COLOURS)['light'];

const rules = (colours: Readonly<Record<string, string>>): string =>
  Object.entries(colours)
    .map(([name, value]) => `.${name}{fill:${value}}.s-${name}{stroke:${value}}`)
    .join('');

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (one) => ESCAPED[one] ?? one);

/** Of one unit, so that two runs that took the same time draw the same. */
export const at = (length: number): string => String(Math.round(length * 10) / 10);

export interface Written {
  readonly colour?: Colour;
  readonly anchor?: 'start' | 'end' | 'middle';
  readonly isBold?: boolean;
}

export function text(
  x: number,
  y: number,
  words: string,
  { colour = 'ink', anchor = 'start', isBold }: Written = {},
): string {
  const bold = isBold ? ' b' : '';
  return `<text x="${at(x)}" y="${at(y)}" class="${colour}${bold}" text-anchor="${anchor}" xml:space="preserve">${escaped(words)}</text>`;
}

/** @param font of CSS @param told what the picture shows, for a reader who cannot see it */
export function picture(width: number, height: number, font: string, told: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${at(width)} ${at(height)}" width="${at(width)}" height="${at(height)}" role="img">
<title>${escaped(told)}</title>
<style>text{font:${font}}.b{font-weight:600}${rules(COLOURS.light)}@media (prefers-color-scheme:dark){${rules(COLOURS.dark)}}</style>
<rect x="0.5" y="0.5" width="${at(width - 1)}" height="${at(height - 1)}" rx="8" class="paper s-line"/>
${parts.join('\n')}
</svg>
`;
}
