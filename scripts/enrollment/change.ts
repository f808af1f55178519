import { Failed } from '../../agent/cli/kit/command.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { agreed, type Call } from './command.ts';
import type { Dps } from './dps.ts';
import type { Enrollment } from './enrollment.ts';
import { difference, linesFor } from './screen.ts';

interface Change {
  /** Asked where the action destroys something. */
  readonly question?: string | undefined;
  /** Said at the end: the new situation, and the next step. */
  readonly done: string;
}

export interface Action extends Change {
  /** The present state, and the change. */
  readonly shown: string;
  readonly act: () => Promise<unknown>;
}

export interface Edit extends Change {
  /** Absent where it is created. */
  readonly before?: Enrollment;
  /** Absent where it is deleted. */
  readonly after?: Enrollment;
}

/**
 * Shows the change, asks where it destroys something, and makes it.
 * @returns the exit code
 */
export async function carryOut(call: Call, { shown, question, act, done }: Action): Promise<number> {
  const { out, env } = call.desk;
  const screen = screenOf(out, env);
  out.write(`${linesFor(screen, shown)}\n`);
  if (call.options['dry-run'] === true) {
    out.write('Nothing was changed (--dry-run).\n');
    return EXIT.done;
  }
  if (question !== undefined && !(await agreed(call, question))) throw new Failed('Nothing was changed.');
  await act();
  out.write(`${linesFor(screen, done)}\n`);
  return EXIT.done;
}

/** The same with an enrollment. */
export function change(call: Call, dps: Dps, { before, after, ...rest }: Edit): Promise<number> {
  const act = async () => {
    if (after !== undefined) await dps.write(after);
    else if (before !== undefined) await dps.remove(before);
  };
  return carryOut(call, { shown: difference(before, after), act, ...rest });
}
