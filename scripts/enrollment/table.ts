import { printable } from '../../agent/cli/kit/screen.ts';

/** Columns below their heads, each as wide as its longest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, at) => cells.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), 0));
  return cells
    .map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd())
    .join('\n')
    .concat('\n');
}
