import type { Job } from '../../../hsm/job.ts';
import { type NoAnswer, Worker } from '../../../hsm/worker.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Answers } from './answers.ts';

/** A module that reaches its token over a network or a serial line is slow; a hung one never answers. */
const LIMIT_MS = 20_000;
/** One that has opened its token hangs no more, but may take ten seconds for each step of a signature. */
const OPEN_MS = 60_000;

type Question = keyof Answers;

/** The module's last task, as the end of a sentence. */
const DOING: Readonly<Record<Question, string>> = {
  load: 'when it was loaded',
  slot: 'when it was asked for its tokens',
  open: 'at the login',
  find: 'when it looked for a key',
  generations: 'when it looked for a key',
  findById: 'when it looked for a key',
  findByUri: 'when it looked for a key',
  describe: 'when it described a key',
  certificates: 'when it read a certificate',
  sign: 'when it signed',
  rehearse: 'when it signed for a TLS handshake',
  shake: 'when it signed for a TLS handshake',
  fetch: 'when it signed for a TLS handshake',
};

export type Apart = Worker<Answers, Failure>;

/**
 * The PKCS#11 module, loaded by a process of its own: a module that hangs or crashes ends that process, and this one can
 * report it. Asking throws a Fault: what the other process met; NL-TOKEN-HUNG where it gives no answer, or gave none before.
 * @param module path of the module, for the message
 * @param limitMs for each question, in milliseconds
 */
export function createApart(module: string, limitMs?: number): Apart {
  const limitOf = (question: string) => limitMs ?? (['load', 'slot', 'open'].includes(question) ? LIMIT_MS : OPEN_MS);
  const wordsFor = ({ why, how }: NoAnswer, question: string) => {
    const when = DOING[question as Question];
    if (why === 'unstarted') return `was not loaded, as no process can be started (${how})`;
    if (why === 'late') return `did not answer within ${limitOf(question) / 1000} s ${when}`;
    return `ended the process that had loaded it (${how}) ${when}`;
  };
  return new Worker({
    job: ['module'],
    limitMs: limitOf,
    isQuiet: true,
    isKillable: true,
    revive: (failure) => new Fault(failure.code, failure),
    unanswered: (none, question) =>
      new Fault('NL-TOKEN-HUNG', { message: `PKCS#11 module ${module} ${wordsFor(none, question)}.` }),
  });
}

/** The job of the process that loads the module. */
export function moduleJob(): Job {
  let answers: Promise<Answers> | undefined;
  return {
    ends: 'when told',
    async perform(question, asked) {
      // Where the native part of pkcs11js cannot be loaded, this is the answer to every question.
      answers ??= import('./answers.ts').then(({ createAnswers }) => createAnswers());
      // Both ends are this program, so the arguments fit the question.
      const answer = (await answers)[question as Question] as (...asked: readonly unknown[]) => unknown;
      return answer(...asked);
    },
    explain: failureOf,
  };
}
