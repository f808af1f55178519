import { readFile, rm } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Guide } from './guide.ts';
import { beside } from './secret.ts';

/** Where a text is kept beside the configuration. */
export interface CopyPlace {
  readonly path: string;
  /** It has this text already. */
  readonly isThere: boolean;
}

/**
 * The first of `trust.pem`, `trust-2.pem`, … that is free, or has this very text. A file that is there may be in use, so its text
 * is never replaced: the configuration that is written at the end is the only switch, also where the power is cut.
 */
export async function placeFor(guide: Guide, name: string, text: string): Promise<CopyPlace> {
  const named = namedBy(guide);
  const end = extname(name);
  for (let number = 1; ; number += 1) {
    const path = beside(guide, number === 1 ? name : `${basename(name, end)}-${number}${end}`);
    const there = await textAt(path);
    // One of this run that was refused is no longer needed.
    const isRefused = guide.copies.has(path) && !named.includes(path);
    if (there === undefined || there === text || isRefused) return { path, isThere: there === text };
  }
}

/** @returns undefined where nothing is there; false for anything that is no text */
const textAt = (path: string): Promise<string | false | undefined> =>
  readFile(path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => (code === 'ENOENT' ? undefined : false));

/** The file of the person, where the answer is a copy of it: the copy goes when it does not work. */
export const originOf = ({ copies }: Pick<Guide, 'copies'>, path: string): string => copies.get(path) ?? path;

/** Removes the copies of this run that no answer names. @param isKept whether the answers are kept for the next run */
export async function dropCopies(guide: Guide, isKept: boolean): Promise<void> {
  const named = isKept ? namedBy(guide) : [];
  for (const path of guide.copies.keys()) if (!named.includes(path)) await rm(path, { force: true });
}

const namedBy = ({ answers }: Guide) => [...answers.draft.values()];
