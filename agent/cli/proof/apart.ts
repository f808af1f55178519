import type { Job } from '../../../hsm/job.ts';
import { type NoAnswer, Worker } from '../../../hsm/worker.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Account } from '../../machine/account.ts';
import { asUser, mayTurn, turnInto } from '../../machine/turn.ts';
import type { Unit } from '../../machine/unit.ts';
import type { createAnswers } from './answers.ts';
import type { ERRANDS } from './errands.ts';

/** The user that the process becomes; with no field it keeps its own. */
export interface Role {
  readonly account?: Account | undefined;
  readonly unit?: Unit | undefined;
}

/** All that can be asked of the process. */
export type Answers = ReturnType<typeof createAnswers> & typeof ERRANDS;

type Question = keyof Answers;

/** The process's last task, as the end of a sentence, and its time limit in milliseconds. */
interface Task {
  readonly doing: string;
  readonly limitMs: number;
  /** What a person waits for meanwhile. The look into all modules is announced as a whole. */
  readonly awaited?: string | undefined;
}

/** A look into a module that is silent for so long is of no use. */
export const SURVEY_MS = 15_000;
/** A module that reaches its token over a network or a serial line is slow; a hung one never answers. */
const LIMIT_MS = 20_000;
/** One that has opened its token hangs no more, but may take ten seconds for each step of a signature; a TPM is slow, too. */
const OPEN_MS = 60_000;

const task = (doing: string, limitMs = OPEN_MS, awaited?: string): Task => ({ doing, limitMs, awaited });
const finds = task('when it looked for a key');
const shakes = task('when it signed for a TLS handshake');

const TASKS: Readonly<Record<Question, Task>> = {
  load: task('when it was loaded', LIMIT_MS),
  slot: task('when it was asked for its tokens', LIMIT_MS),
  open: task('at the login', LIMIT_MS),
  find: finds,
  generations: finds,
  findById: finds,
  findByUri: finds,
  describe: task('when it described a key'),
  certificates: task('when it read a certificate'),
  sign: task('when it signed'),
  rehearse: shakes,
  shake: shakes,
  fetch: shakes,
  connack: shakes,
  tokens: task('when it was asked for its tokens', SURVEY_MS),
  login: task('at the login', OPEN_MS, 'Logging in to the token'),
  findTls: task('when what does TLS was looked for', SURVEY_MS, 'Looking for what does TLS'),
  makeToken: task('when it made a token', OPEN_MS, 'Making the token'),
  keysIn: { ...finds, awaited: 'Looking for keys in the token' },
  importKey: task('when it was given a key', OPEN_MS, 'Bringing the key into the token'),
  makeOnboardingKey: task('when it made a key', OPEN_MS, 'Making the onboarding key'),
  whyUnreadable: task('when a file was read', SURVEY_MS, 'Reading the file'),
  refusesScope: { ...shakes, awaited: 'Asking DPS about the ID scope' },
};

export type Apart = Worker<Answers, Failure>;

/**
 * The PKCS#11 module, loaded by a process of its own: a module that hangs or crashes ends that process, and this one can
 * report it. It only looks, so it may be killed. Asking throws a Fault: what the process met; NL-TOKEN-HUNG where it gives no
 * answer, or gave none before.
 * @param module path of the module, for the message
 * @param limitMs for each question, in milliseconds
 */
export function createApart(module: string, limitMs?: number): Apart {
  const taskOf = (question: string) => {
    const known = TASKS[question as Question];
    return { ...known, limitMs: limitMs ?? known.limitMs };
  };
  return new Worker({ ...optionsFor(module, taskOf), job: [APART], isKillable: true });
}

type Errands = typeof ERRANDS;

export const awaitedIn = (question: keyof Errands): string | undefined => TASKS[question].awaited;

/** @throws Fault as above */
export type AskErrand = <Q extends keyof Errands>(
  question: Q,
  asked: Parameters<Errands[Q]>[0],
) => Promise<Awaited<ReturnType<Errands[Q]>>>;

/**
 * One question to a process of a user, which ends with it. What it does to a token is not interrupted by Ctrl-C.
 * @throws Fault as above
 */
export async function askAs<Q extends keyof Errands>(
  role: Role,
  question: Q,
  asked: Parameters<Errands[Q]>[0],
): Promise<Awaited<ReturnType<Errands[Q]>>> {
  const about = typeof asked === 'string' ? asked : asked.module;
  const prefix = role.account !== undefined && !mayTurn() ? asUser(role.account, role.unit) : [];
  const worker = new Worker<{ as: (role: Role, question: Question, ...asked: readonly unknown[]) => unknown }, Failure>(
    {
      ...optionsFor(about, () => TASKS[question]),
      job: [APART, ONCE],
      prefix,
      isDetached: true,
    },
  );
  // Both ends are this program, so the answer fits the question.
  return (await worker.ask('as', role, question, asked)) as Awaited<ReturnType<Errands[Q]>>;
}

function optionsFor(module: string, taskOf: (question: string) => Task) {
  const wordsFor = ({ why, how }: NoAnswer, { doing, limitMs }: Task) => {
    if (why === 'unstarted') return `was not loaded, as no process can be started (${how})`;
    if (why === 'late') return `did not answer within ${limitMs / 1000} s ${doing}`;
    return `ended the process that had loaded it (${how}) ${doing}`;
  };
  return {
    limitMs: (question: string) => taskOf(question).limitMs,
    isQuiet: true,
    revive: (failure: Failure) => new Fault(failure.code, failure),
    unanswered: (none: NoAnswer, question: string) =>
      new Fault('NL-TOKEN-HUNG', { message: `PKCS#11 module ${module} ${wordsFor(none, taskOf(question))}.` }),
  };
}

/** The job, and its word on the command line where it ends after one call. */
const APART = 'apart';
const ONCE = 'once';

/** The job of that process. */
export function apartJob(how?: string): Job {
  let answers: Promise<Partial<Answers>> | undefined;
  return {
    ends: how === ONCE ? 'after one call' : 'when told',
    async perform(question, asked) {
      // Where the native part of pkcs11js cannot be loaded, this is the answer to every question.
      answers ??= how === ONCE ? errands() : import('./answers.ts').then(({ createAnswers }) => createAnswers());
      // Both ends are this program, so the arguments fit the question.
      const all = (await answers) as Record<string, (...asked: readonly unknown[]) => unknown>;
      if (question !== 'as') return all[question]?.(...asked);
      const [{ account, unit }, name, ...more] = asked as [Role, Question, ...unknown[]];
      if (account !== undefined) turnInto(account, unit);
      return all[name]?.(...more);
    },
    explain: failureOf,
  };
}

const errands = async () => (await import('./errands.ts')).ERRANDS;
