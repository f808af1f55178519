import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A breakage that no operator makes; each would lose a gateway, a key, a message, or a person's time. */
export interface Row {
  readonly file: string;
  /** The function, member or constant that is broken. */
  readonly name: string;
  /** What would be lost. */
  readonly loss: string;
  /** Stands once in it; white space does not count. */
  readonly from: string;
  readonly to: string;
}

const ROW = /^(\S+) (\S+): (.+)\n- (.+)\n\+ ?(.*)$/gm;

/** Those of rows.txt, which says how they are written. */
export function rows(text = readFileSync(join(import.meta.dirname, 'rows.txt'), 'utf8')): readonly Row[] {
  return [...text.matchAll(ROW)].map(([, file = '', name = '', loss = '', from = '', to = '']) => ({
    file,
    name,
    loss,
    from,
    to,
  }));
}
