import { failureOf } from '../../../failure/failure-of.ts';
import type { Answers } from './answers.ts';
import type { Call, Return } from './questions.ts';

/** The body of the process that loads the module: answers what comes over the channel, until that is closed. */
export function answerParent(): void {
  // Where the native part of pkcs11js cannot be loaded, this is the answer to every question.
  const answers = import('./answers.ts').then(({ createAnswers }) => createAnswers());
  process.on('message', (call: Call) => {
    void answer(answers, call).then((said) => process.send?.(said));
  });
  process.once('disconnect', () => process.exit());
}

async function answer(answers: Promise<Answers>, { number, question, asked }: Call): Promise<Return> {
  try {
    // Both ends are this very program, so the arguments are those of the question.
    const ask = (await answers)[question] as (...asked: readonly unknown[]) => unknown;
    return { number, told: await ask(...asked) };
  } catch (error) {
    return { number, failure: failureOf(error) };
  }
}
