import type { RollState } from '../../roll/state.ts';
import { type DaemonWatch, isAtRest, serves, until } from './watch.ts';

/** So often DPS is asked while somebody stands in front of the gateway. */
const ASK_AGAIN_MS = 20_000;
/** A registration takes seconds; what takes longer is told like everything, and asked again. */
const ANSWER_MS = 60_000;

/** Asks DPS about the leaf again, at once. It costs nothing but the call: nothing is made anew. */
export async function askDps({ running }: Pick<DaemonWatch, 'running'>): Promise<void> {
  await running.daemon.answer({ kind: 're-register', from: 'technician', delayMs: 0 });
}

/** Waits until the operator has enrolled the leaf: DPS is asked from time to time, and at once when Enter is pressed. */
export async function untilEnrolled(watch: DaemonWatch): Promise<RollState> {
  const { dialogue, abort } = watch;
  dialogue.blank();
  const enter = dialogue.asks ? ' Enter asks at once.' : '';
  dialogue.say(
    `Waiting for the operator: DPS is asked every ${ASK_AGAIN_MS / 1000} s.${enter} Ctrl-C ends it, and nothing is lost.`,
  );
  for (;;) {
    await dialogue.pause(ASK_AGAIN_MS, abort);
    if (abort.aborted) return watch.running.daemon.state;
    await askDps(watch);
    const state = await until(watch, isAtRest, ANSWER_MS);
    if (serves(state) || abort.aborted) return state;
  }
}
