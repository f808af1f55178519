import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reading } from './reading.ts';

/** Written by `scripts/bench --write`. */
export const FIGURES = join(import.meta.dirname, 'figures.json');
/** Written by `scripts/bench --write months`. */
export const MONTHS = join(import.meta.dirname, 'months.json');

export interface Figures {
  readonly machine: Readonly<Record<string, string>>;
  /** By the name of the Node. */
  readonly found: Readonly<Record<string, readonly Reading[]>>;
}

export const figuresIn = (path: string): Figures => JSON.parse(readFileSync(path, 'utf8')) as Figures;
