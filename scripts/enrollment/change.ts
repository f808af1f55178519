import { Failed } from '../../agent/cli/kit/command.ts';
import { agreed, type Desk, type Manner } from './desk.ts';
import type { Dps, Enrollment } from './dps.ts';
import { difference } from './screen.ts';

export interface Change {
  /** Left out where it is created. */
  readonly before?: Enrollment;
  /** Left out where it is deleted. */
  readonly after?: Enrollment;
  /** Asked where something is destroyed. */
  readonly question?: string;
  /** Said when it is done: what holds now, and what comes next. */
  readonly done: string;
}

/**
 * Shows what an enrollment is and becomes, asks where something is destroyed, and does it.
 * @returns the exit code
 */
export async function change(
  desk: Desk,
  dps: Dps,
  manner: Manner,
  { before, after, question, done }: Change,
): Promise<number> {
  desk.out.write(`${difference(before, after)}\n`);
  if (manner.dryRun) {
    desk.out.write('Nothing was changed (--dry-run).\n');
    return 0;
  }
  if (question !== undefined && !(await agreed(desk, manner, question))) {
    throw new Failed('Nothing was changed.');
  }
  if (after !== undefined) {
    await dps.write(after);
  } else if (before !== undefined) {
    await dps.remove(before);
  }
  desk.out.write(`${done}\n`);
  return 0;
}
