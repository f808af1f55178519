import { needsNoPerson } from '../../config/terms.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { leafIn, restOf } from '../../roll/candidate.ts';
import { isEndorsed, type Leaf } from '../../roll/leaf.ts';
import { lacksKey, waitsForPerson } from '../../roll/look.ts';
import type { Terms } from '../../roll/plan.ts';
import { iso, WORDS } from '../../roll/report.ts';
import type { RollState } from '../../roll/state.ts';
import { adoptedChain } from '../../state/adopted.ts';
import type { Entry } from '../../state/entry.ts';
import { limited } from '../../time/limited.ts';
import type { Complaint } from '../kit/command.ts';
import { showCsr, showEnrollment, showLeaf, tellToStart } from './enrollment.ts';
import { type DaemonWatch, refusedLeaf, serves, tellAll, untilAtRest, waits } from './watch.ts';

/** How often DPS is asked while a person waits in front of the gateway. */
const ASK_AGAIN_MS = 20_000;
/** A registration takes seconds; a slower one is reported, and asked again. */
const ANSWER_MS = 60_000;

/**
 * Watches the daemon bring the gateway to its hub. Shows what a person needs: the CSR where a person signs, the leaf where DPS
 * refuses it. Where a person is at the screen, it waits for that person.
 * @param before the state file before the daemon was started
 * @returns the state in which it ended
 */
export async function provision(watch: DaemonWatch, before: Entry | 'absent'): Promise<RollState> {
  const untell = tellAll(watch, before === 'absent' ? undefined : before.phase);
  try {
    // Refused before, and perhaps enrolled meanwhile.
    if (before !== 'absent' && waits(before)) await askDps(watch);
    const { config } = watch;
    const needsPerson = !('tpm' in config) && !needsNoPerson(config.issuer);
    const { forPerson, forServers } = watch.late;
    const late = needsPerson && watch.isPatient ? forPerson : forServers;
    await Promise.race([watch.running.daemon.begun, watch.running.ended]);
    const { current, next } = watch.running.daemon.state;
    const hasLeaf = current !== undefined || leafIn(next) !== undefined;
    const isKeyGone = hasLeaf && watch.isNewToken && lacksKey(await untilAtRest(watch, late));
    if (needsPerson && (!hasLeaf || isKeyGone)) {
      await showCsr(watch);
      if (!watch.isPatient) return watch.running.daemon.state;
    } else if (isKeyGone) await watch.running.daemon.answer({ kind: 'roll', from: 'technician', delayMs: 0 });
    const state = await untilAtRest(watch, late, isKeyGone ? 'NL-TOKEN-KEY' : undefined);
    const leaf = refusedLeaf(state);
    if (leaf === undefined || serves(state)) return state;
    await showEnrollment(watch, leaf, state);
    return watch.isPatient ? await untilEnrolled(watch) : state;
  } finally {
    untell();
  }
}

/** Asks DPS about the leaf again, at once. Costs only the call: no key or leaf is made. */
async function askDps({ running }: DaemonWatch): Promise<void> {
  await running.daemon.answer({ kind: 're-register', from: 'technician', delayMs: 0 });
}

/** Waits until the operator has enrolled the leaf: DPS is asked at intervals, and at once when Enter is pressed. */
async function untilEnrolled(watch: DaemonWatch): Promise<RollState> {
  const { dialogue, abort, late } = watch;
  const over = AbortSignal.any([abort, late.forPerson]);
  dialogue.blank();
  const enter = dialogue.asks ? ' Enter asks at once.' : '';
  dialogue.say(
    `Waiting for the operator: DPS is asked every ${ASK_AGAIN_MS / 1000} s.${enter} Ctrl-C ends it, and nothing is lost.`,
  );
  for (;;) {
    await dialogue.pause(ASK_AGAIN_MS, over);
    if (over.aborted) return watch.running.daemon.state;
    await askDps(watch);
    const state = await untilAtRest(watch, limited(over, ANSWER_MS));
    if (serves(state) || over.aborted) return state;
  }
}

/** The steps that remain after success. */
export async function finishInit(watch: DaemonWatch, { current, assignment }: RollState): Promise<void> {
  const { dialogue } = watch;
  if (current === undefined || assignment === undefined) return;
  dialogue.blank();
  dialogue.ok(`Connected to ${assignment.hub} as ${assignment.deviceId}. The hub answers.`);
  dialogue.blank();
  if (!isEndorsed(current)) {
    showLeaf(watch, current, 'leaf.pem');
    dialogue.copy(`  issued by    ${current.issuer}\n  valid until  ${iso(current.notAfter)}`);
    dialogue.blank();
  }
  tellToStart(dialogue);
  if (!isEndorsed(current)) await tellWayBack(watch, current);
}

/** Where the gateway serves with the leaf that it had before newleaf: how long the way back is open, and what ends it. */
async function tellWayBack({ dialogue, config }: DaemonWatch, { key, chain }: Leaf): Promise<void> {
  const isImported = key.slot === 'a' && chain === (await adoptedChain(config.state.directory));
  if (key.slot !== 'given' && !isImported) return;
  dialogue.blank();
  const file = isImported ? ' Delete the file of the old key after that: newleaf deletes only what it has made.' : '';
  dialogue.say(
    `It serves with the leaf that it had before. The way back is to stop newleaf and start the old program. The first roll ends that, with a key that was made in the token: \`sudo newleaf roll --wait\`, once the daemon runs.${file}`,
  );
}

const AGAIN =
  'Run `newleaf init` again, or start the daemon: it goes on where this stopped. To change an answer: `newleaf init --ask`.';

/** The daemon of init has ended. */
const KEY_LOST =
  'Is it the right token? If the key is lost: `systemctl start newleaf`, then `newleaf roll --wait` makes another.';

/** Why provisioning stopped early. Waiting for a leaf that a person brings is not an error. */
export interface Shortfall {
  readonly complaint?: Complaint;
  readonly exit: number;
}

export function shortfall(state: RollState, terms: Pick<Terms, 'automatic'>, isInterrupted: boolean): Shortfall {
  if (isInterrupted)
    return { complaint: { message: 'Interrupted. Nothing is lost.', advice: AGAIN }, exit: EXIT.failed };
  if (waitsForPerson(state.next, terms)) return { exit: EXIT.person };
  const met = restOf(state.next)?.failure ?? (state.workTrouble ?? state.sessionTrouble)?.failure;
  if (met === undefined) {
    const message = `Not finished in time: ${WORDS[state.phase]}.`;
    return { complaint: { message, advice: AGAIN }, exit: EXIT.failed };
  }
  const lasting = met.code === 'NL-TOKEN-KEY' ? KEY_LOST : met.advice;
  const advice = met.kind === 'transient' ? `${met.advice} ${AGAIN}` : lasting;
  return { complaint: { ...met, advice }, exit: waits(state) ? EXIT.person : exitOf(met) };
}
