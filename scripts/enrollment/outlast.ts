import { Failed } from '../../agent/cli/kit/command.ts';
import type { Desk } from './desk.ts';
import { statusOf } from './refusal.ts';

/** A longer outage is an error, in milliseconds. */
const LONGEST_MS = 15 * 60_000;
const SERVER_ERROR = 500;

/**
 * Asks until there is an answer: an outage of the other side must not hide the end of the work.
 * @param tell gets the obstacle in words
 * @param enough aborted where the end need not be known
 * @throws Failed where it is refused, and where the outage is too long
 */
export async function outlast<T>(
  desk: Desk,
  ask: () => Promise<T>,
  tell: (trouble: string) => void,
  enough: AbortSignal,
): Promise<T> {
  const deadline = desk.now() + LONGEST_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Failed) || !isOutage(error) || desk.now() >= deadline || enough.aborted) throw error;
      tell(error.message);
      await desk.sleep(desk.pollMs, enough);
    }
  }
}

const isOutage = ({ cause }: Failed): boolean => (statusOf(cause) ?? SERVER_ERROR) >= SERVER_ERROR;
