import { basename } from 'node:path';

/** What a call is made to; places are drawn from each of them alike. */
export const KINDS = ['state', 'network', 'token', 'files of the token'] as const;
export type Kind = (typeof KINDS)[number];

/** A side of a call, as interpose.c notes it. */
export interface Noted {
  readonly side: 'before' | 'after';
  readonly name: string;
  /** Of a file; or what is behind a descriptor. */
  readonly path: string;
  /** Where it was written, or the length that it was cut to. */
  readonly number: number;
  /** What was written, or the new name. */
  readonly bytes: Buffer;
}

export function kindOf({ name, path }: Pick<Noted, 'name' | 'path'>): Kind {
  if (name.startsWith('C_')) return 'token';
  if (path.includes('/newleaf-softhsm-')) return 'files of the token';
  return path.includes('/state') ? 'state' : 'network';
}

/** A place in words that are the same in each gateway. */
export const named = (side: string, name: string, path: string): string =>
  `${side} ${name} ${basename(path).replaceAll(/[0-9a-f]{8}[-0-9a-f]*|[0-9]{2,}/g, 'N')}`;

/** What the processes of a gateway called, in order. */
export class Calls {
  readonly all: readonly Noted[];

  constructor(log: Buffer) {
    const all: Noted[] = [];
    for (let from = 0; from < log.length; ) {
      const end = log.indexOf('\n', from);
      const [side, name = '', path = '', number, length] = log.toString('utf8', from, end).split('\t');
      from = end + 1 + Number(length);
      const bytes = log.subarray(end + 1, from);
      all.push({ side: side === '<' ? 'before' : 'after', name, path, number: Number(number), bytes });
    }
    this.all = all;
  }

  /** How many places are beside a sync of the state directory. */
  get syncs(): number {
    return this.all.filter((one) => one.name.includes('sync') && kindOf(one) === 'state').length;
  }

  /** The numbers of the places by kind, without those between calls that repeat the one before. */
  get places(): Readonly<Record<Kind, readonly number[]>> {
    const found: Record<Kind, number[]> = { state: [], network: [], token: [], 'files of the token': [] };
    const words = this.all.map(({ name, path }) => `${name} ${path}`);
    for (const [at, one] of this.all.entries())
      if (words[at] !== words[at - 2] || words[at] !== words[at + 2]) found[kindOf(one)].push(at + 1);
    return found;
  }
}
