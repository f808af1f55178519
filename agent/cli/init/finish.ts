import { EXIT, exitOf } from '../../failure/exit.ts';
import { isEndorsed } from '../../roll/leaf.ts';
import { iso } from '../../roll/report.ts';
import type { RollState } from '../../roll/state.ts';
import type { Complaint } from '../kit/command.ts';
import { showLeaf, tellToStart } from './enrollment.ts';
import { type DaemonWatch, waits } from './watch.ts';

/** The steps that remain after success. */
export function finishInit(watch: DaemonWatch, { current, assignment }: RollState): void {
  const { dialogue } = watch;
  if (current === undefined || assignment === undefined) return;
  dialogue.blank();
  dialogue.ok(`Connected to ${assignment.hub} as ${assignment.deviceId}. The hub answers.`);
  dialogue.blank();
  if (!isEndorsed(current)) {
    showLeaf(watch, current, 'leaf.pem');
    dialogue.copy(`    issued by    ${current.issuer}\n    valid until  ${iso(current.notAfter)}`);
    dialogue.blank();
  }
  tellToStart(dialogue);
}

const AGAIN = 'Run `newleaf init` again, or start the daemon: it goes on where this stopped.';

/** Why provisioning stopped early. Waiting for a leaf that a person brings is not an error. */
export interface Shortfall {
  readonly complaint?: Complaint;
  readonly exit: number;
}

export function shortfall(state: RollState, isInterrupted: boolean): Shortfall {
  if (isInterrupted)
    return { complaint: { message: 'Interrupted. Nothing is lost.', advice: AGAIN }, exit: EXIT.failed };
  if (state.next?.waiting === true) return { exit: EXIT.person };
  const met = state.next?.parked?.failure ?? state.trouble;
  if (met === undefined) return { complaint: { message: 'Not finished yet.', advice: AGAIN }, exit: EXIT.failed };
  return { complaint: met, exit: waits(state) ? EXIT.person : exitOf(met) };
}
