import { Failed } from '../../agent/cli/kit/command.ts';
import { Count } from '../../agent/cli/kit/progress.ts';
import { screenOf } from '../../agent/cli/kit/screen.ts';
import { atOnce } from './at-once.ts';
import type { Desk } from './desk.ts';
import type { Hub } from './hub.ts';
import type { MethodCall } from './hub-answers.ts';
import { answered, notAsked, type Outcome } from './outcome.ts';
import { Silence } from './silence.ts';

/** Direct calls at the same time. */
const AT_ONCE = 4;

/** Calls the devices one by one, until the other side is down, or Ctrl-C. */
export async function callEach(
  desk: Desk,
  hub: Hub,
  devices: readonly string[],
  method: MethodCall,
  enough: AbortSignal,
): Promise<Outcome[]> {
  const progress = new Count(desk.err, screenOf(desk.err, desk.env), 'asked');
  const called = new Map<string, Outcome>();
  const silence = new Silence();
  await atOnce(AT_ONCE, devices, async (deviceId) => {
    if (enough.aborted || silence.isLasting) return;
    const answer = await silence
      .during(() => hub.call(deviceId, method))
      .catch((error: unknown) => {
        // The devices that were asked before are followed all the same.
        if (called.size === 0 || !(error instanceof Failed)) throw error;
        return error.message;
      });
    called.set(deviceId, answered(deviceId, answer));
    const missed = [...called.values()].filter(({ result }) => result === 'not-asked').length;
    progress.show(called.size, devices.length, missed === 0 ? '' : `${missed} failed`);
  }).finally(() => progress.end());
  if (silence.isLasting) desk.err.write(`${silence.words}\n`);
  const why = silence.isLasting ? 'not begun, because the other side was down' : 'interrupted before';
  return devices.map((deviceId) => called.get(deviceId) ?? notAsked(deviceId, why));
}
