import type { IssuerChoice } from '../../config/config.ts';
import type { RollState } from '../../roll/state.ts';
import type { Entry } from '../../state/entry.ts';
import { showCsr, showEnrollment } from './enrollment.ts';
import { askDps, untilEnrolled } from './operator.ts';
import { type DaemonWatch, isAtRest, refusedLeaf, tellAll, until, waits } from './watch.ts';

/** A gateway on a slow link needs a few seconds; a person should not wait longer than this. */
const PATIENCE_MS = 120_000;

/**
 * Watches the daemon bring the gateway to its hub. Shows what a person needs: the CSR where a person signs, the leaf where DPS
 * refuses it. Where a person is at the screen, it waits for that person.
 * @param issuer undefined where the gateway has no leaf
 * @param before the state file before the daemon was started
 * @returns the state in which it ended
 */
export async function provision(
  watch: DaemonWatch,
  issuer: IssuerChoice | undefined,
  before: Entry | 'absent',
): Promise<RollState> {
  const untell = tellAll(watch);
  try {
    // Refused before, and perhaps enrolled meanwhile.
    if (before !== 'absent' && waits(before)) await askDps(watch);
    const needsPerson = issuer?.kind === 'inbox' || issuer?.kind === 'hub';
    const hasLeaf = before !== 'absent' && (before.current !== undefined || before.next?.leaf !== undefined);
    if (needsPerson && !hasLeaf) {
      await showCsr(watch);
      if (!watch.isPatient) return watch.running.daemon.state;
    }
    const state = await until(watch, isAtRest, needsPerson && watch.isPatient ? Number.POSITIVE_INFINITY : PATIENCE_MS);
    const leaf = refusedLeaf(state);
    if (leaf === undefined) return state;
    await showEnrollment(watch, leaf, state);
    return watch.isPatient ? await untilEnrolled(watch) : state;
  } finally {
    untell();
  }
}
