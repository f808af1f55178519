import { play } from './play.ts';
import type { Vector } from './vector.ts';

/** The kind of a broken law: its words without figures. */
const kindOf = (broken: readonly string[]) => broken.map((law) => law.replaceAll(/[\d.]+/g, '').replace(/:.*/, ''));

/** Takes away from a vector what the law is broken without. */
export async function shrink(vector: Vector, broken: readonly string[]): Promise<Vector> {
  const kinds = new Set(kindOf(broken));
  const stillBreaks = async (one: Vector) => kindOf((await play(one)).broken).some((kind) => kinds.has(kind));
  let smallest = vector;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const part of ['deeds', 'spells'] as const) {
      for (let index = smallest[part].length - 1; index >= 0; index -= 1) {
        const tried = { ...smallest, [part]: smallest[part].filter((_, at) => at !== index) } as Vector;
        if (await stillBreaks(tried)) {
          smallest = tried;
          smaller = true;
        }
      }
    }
  }
  return smallest;
}
