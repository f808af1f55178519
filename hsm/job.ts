/** Work of a process of its own (worker.ts starts it), by kind: a hang or a crash there harms nothing else. */
export interface Job {
  /** When the process ends by itself. In each case it ends, after its current calls, when its parent is gone. */
  readonly ends: 'after one call' | 'after a failure' | 'when told';
  /** It ends at once when its parent is gone, and not after its current calls: a successor may ask for the same. */
  readonly isCutOff?: true;
  perform(name: string, asked: readonly unknown[]): Promise<unknown>;
  /** Takes the place of an error that `perform` threw: plain values only. */
  explain(error: unknown): unknown;
}

/** Jobs by name, each loaded on demand. The words after the name on the command line go to the job. */
export type Jobs = Readonly<Record<string, (...args: readonly string[]) => Promise<Job>>>;

/** A message on the channel. Numbered, because calls may overlap. */
export interface Call {
  readonly number: number;
  readonly name: string;
  readonly asked: readonly unknown[];
}

/** `isLast`: the process ends now. */
export type JobAnswer = { readonly number: number; readonly isLast: boolean } & (
  | { readonly value: unknown }
  | { readonly failed: unknown }
);

/** The internal command; name and arguments of the job follow. */
export const WORK = 'internal-work';

let program: readonly string[] = [];

/** argv that starts this program, without a command. */
export const thisProgram = (): readonly string[] => program;

/** Called once, when the program starts: the argv by which it starts itself again. */
export function startedBy(argv: readonly string[]): void {
  program = argv;
}

/** The body of the process: answers the calls on the channel, until the job or the channel ends. */
export function serve(job: Job): void {
  let open = 0;
  process.on('message', async ({ number, name, asked }: Call) => {
    open += 1;
    const answer: JobAnswer = { number, ...(await answerOf(job, name, asked)) };
    process.send?.(answer, undefined, undefined, () => {
      open -= 1;
      // Node does not end by itself: a module may leave threads behind that never end.
      if (answer.isLast || (open === 0 && !process.connected)) process.exit();
    });
  });
  process.once('disconnect', () => {
    if (open === 0) process.exit();
    // At an exit Node waits for its threads, and a module may hang in one.
    if (job.isCutOff) process.kill(process.pid, 'SIGKILL');
  });
}

async function answerOf(job: Job, name: string, asked: readonly unknown[]) {
  try {
    return { value: await job.perform(name, asked), isLast: job.ends === 'after one call' };
  } catch (error) {
    return { failed: job.explain(error), isLast: job.ends !== 'when told' };
  }
}
