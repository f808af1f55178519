import type { Guide } from './guide.ts';
import { Back } from './prompt.ts';

/**
 * Whether an answer that has failed is taken all the same. While the person decides, the answer before stands: at Ctrl-C it is
 * the one that is kept. `back` leads to the question that this one is about, as no does.
 * @param name of the setting that may be to blame, and the answer before
 */
export async function isTakenAllTheSame(
  { answers, dialogue }: Guide,
  [name, before]: Readonly<Parameters<Guide['answers']['set']>>,
): Promise<boolean> {
  const failed = answers.get(name);
  answers.set(name, before);
  const isTaken = await dialogue.confirm('Go on all the same?', false).catch(toNo);
  if (isTaken) answers.set(name, failed);
  return isTaken;
}

/** `back` is a no, where no asks the question before again. @throws what is not Back */
export function toNo(error: unknown): false {
  if (error instanceof Back) return false;
  throw error;
}
