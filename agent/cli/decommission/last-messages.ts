import { setTimeout as pause } from 'node:timers/promises';
import { failureOf } from '../../failure/failure-of.ts';
import type { Log } from '../../machine/log.ts';
import type { Io } from '../kit/command.ts';
import { type Running, type StartOptions, start } from '../run/command.ts';
import { messages } from '../uplink/words.ts';

/** Without one more message at the hub for so long, the rest is given up. A session takes some seconds. */
const PATIENCE_MS = 20_000;
const LONGEST_MS = 10 * 60_000;
const LOOK_MS = 250;

const none = () => {};
const quiet: Log = { error: none, warn: none, info: none, debug: none };

/** Sends what programs have been told is safe, before it is destroyed: as `newleaf run` does it, and for a while only. */
export async function sendLastMessages(options: Omit<StartOptions, 'log'>, { out }: Io): Promise<void> {
  out.write('Sending what waits for the hub …\n');
  const left = await sent({ ...options, log: quiet }).catch((error: unknown) => failureOf(error).message);
  if (left === 0) out.write('All of it is at the hub.\n');
  else
    out.write(typeof left === 'number' ? `${messages(left)} could not be sent.\n` : `Nothing could be sent: ${left}\n`);
}

/** @returns how many messages are left */
async function sent(options: StartOptions): Promise<number> {
  const running = await start(options);
  try {
    return await drained(running);
  } finally {
    await running.stop();
  }
}

async function drained({ uplink, ended }: Running): Promise<number> {
  const waiting = () => uplink.status()?.programs.reduce((sum, { queued }) => sum + queued, 0) ?? 0;
  const hasEnded = ended.then(
    () => true,
    () => true,
  );
  const begun = performance.now();
  let fewest = waiting();
  let at = begun;
  for (let left = fewest; left > 0; left = waiting()) {
    const now = performance.now();
    if (left < fewest) at = now;
    fewest = Math.min(fewest, left);
    if (now - at > PATIENCE_MS || now - begun > LONGEST_MS) return left;
    if (await Promise.race([hasEnded, pause(LOOK_MS, false)])) return left;
  }
  return 0;
}
