import { Back } from './dialogue.ts';
import type { Guide } from './guide.ts';

/** Asks one thing, or nothing where it is known or does not matter. */
export type Question = (guide: Guide) => Promise<unknown>;

/** Asks one after the other; `back` leads to the last one that was really asked. @throws Back where there is none */
export async function askInOrder(guide: Guide, questions: readonly Question[]): Promise<void> {
  const asked: number[] = [];
  for (let at = 0; at < questions.length; ) {
    const before = guide.dialogue.questions;
    try {
      await questions[at]?.(guide);
      if (guide.dialogue.questions > before) asked.push(at);
      at += 1;
    } catch (error) {
      const last = error instanceof Back ? asked.pop() : undefined;
      if (last === undefined) throw error;
      at = last;
    }
  }
}
