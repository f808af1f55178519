import type { RollState } from '../../roll/state.ts';
import { type DaemonWatch, isAtRest, serves, until } from './watch.ts';

/** How often DPS is asked while a person waits in front of the gateway. */
const ASK_AGAIN_MS = 20_000;
/** A registration takes seconds; a slower one is reported, and asked again. */
const ANSWER_MS = 60_000;

/** Asks DPS about the leaf again, at once. Costs only the call: no key or leaf is made. */
export async function askDps({ running }: Pick<DaemonWatch, 'running'>): Promise<void> {
  await running.daemon.answer({ kind: 're-register', from: 'technician', delayMs: 0 });
}

/** Waits until the operator has enrolled the leaf: DPS is asked at intervals, and at once when Enter is pressed. */
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
