import type { Job } from '../../../../hsm/job.ts';
import { failureOf } from '../../../failure/failure-of.ts';
import type { Question } from './questions.ts';

/** What the process does that loads the module. */
export function moduleJob(): Job {
  // Where the native part of pkcs11js cannot be loaded, this is the answer to every question.
  const answers = import('./answers.ts').then(({ createAnswers }) => createAnswers());
  return {
    ends: 'when told',
    async perform(question, asked) {
      // Both ends are this very program, so the arguments are those of the question.
      const answer = (await answers)[question as Question] as (...asked: readonly unknown[]) => unknown;
      return answer(...asked);
    },
    explain: failureOf,
  };
}
