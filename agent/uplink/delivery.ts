import { type Failure, failure } from '../failure/failure.ts';
import type { Clock } from '../time/clock.ts';
import type { Client, Stored } from './ports.ts';
import type { Program } from './program.ts';
import type { Rejected } from './rejected.ts';
import { messageTopic } from './topics.ts';

/** Without PUBACK, at once. Not more bytes: a client that does not read a MiB is closed (wire/limits.ts). */
const MOST = 16;
const MOST_BYTES = 256 * 1_024;
/**
 * As a hub does it ("Lock timeout … 60 seconds", "Maximum delivery count … 10", articles/iot-hub/iot-hub-devguide-messages-c2d.md):
 * a message that has no PUBACK for so long is delivered again, and then set aside. The SDK of C never acknowledges one whose
 * properties are not ASCII (azure-iot-sdk-c, urlencode.c), and none that was abandoned.
 */
const LOCK_MS = 60_000;
const MOST_DELIVERIES = 10;
/** A client that left so often with a message gets one at a time: one of them may be what it falls over. */
const WARY = 3;
const IDLE_MS = 60 * 60_000;

interface Delivery {
  readonly program: Program;
  readonly client: Client;
  readonly clock: Clock;
  readonly setAside: (program: Program, message: Rejected, why: Failure) => Promise<void>;
  /** Another client has taken its place, or none is there. */
  isOver(): boolean;
  /** What ends a sleep when there is something new. */
  begin(): AbortController;
}

/** Delivers the messages of a program to a client, some at once, until it has gone. */
export async function deliver({ program, client, clock, setAside, isOver, begin }: Delivery): Promise<void> {
  const { down, inbox, deliveries } = program;
  const sent = new Map<number, { readonly at: number; readonly bytes: number }>();
  let nap = begin();
  let hasLate = false;

  const isFull = (): boolean => {
    const bytes = [...sent.values()].reduce((sum, one) => sum + one.bytes, 0);
    const isWary = [...deliveries.values()].some(({ left }) => left >= WARY);
    return sent.size >= (isWary ? 1 : MOST) || bytes >= MOST_BYTES;
  };

  /** @returns whether it is set aside */
  const isSpent = async (message: Stored): Promise<boolean> => {
    const { sequence } = message;
    const at = clock.monotonic();
    const before = deliveries.get(sequence) ?? { count: 0, at: Number.NEGATIVE_INFINITY, left: 0 };
    if (before.count >= MOST_DELIVERIES && at - before.at >= LOCK_MS) {
      const words = `The program has not acknowledged it, though it was delivered for ${before.count} minutes.`;
      const why = failure('NL-UPLINK-UNTAKEN', { message: words });
      const isAside = await setAside(program, message, why).then(
        () => true,
        () => false,
      );
      if (isAside) {
        deliveries.delete(sequence);
        down.drop(message);
        return true;
      }
    }
    if (at - before.at >= LOCK_MS) deliveries.set(sequence, { ...before, count: before.count + 1, at });
    return false;
  };

  const send = async (message: Stored, qos: 0 | 1, deviceId: string): Promise<void> => {
    const { sequence, payload } = message;
    sent.set(sequence, { at: clock.monotonic(), bytes: payload.length });
    try {
      await client.publish({ topic: messageTopic(deviceId, message.topic), payload }, qos);
      deliveries.delete(sequence);
      down.drop(message);
    } catch {
      const known = deliveries.get(sequence);
      if (known !== undefined && sent.has(sequence)) deliveries.set(sequence, { ...known, left: known.left + 1 });
    }
    sent.delete(sequence);
    nap.abort();
  };

  if (inbox.count === 0) deliveries.clear();
  down.rewind();
  while (!isOver()) {
    nap = begin();
    const at = clock.monotonic();
    for (const [sequence, one] of sent) {
      if (one.at + LOCK_MS > at) continue;
      sent.delete(sequence);
      hasLate = true;
    }
    const message = isFull() ? undefined : await down.next().catch(() => undefined);
    if (isOver()) break;
    if (message === undefined && hasLate && !isFull()) {
      hasLate = false;
      down.rewind();
    } else if (message === undefined) {
      // What cannot be read now is tried again.
      const restMs = inbox.count > sent.size ? LOCK_MS : IDLE_MS;
      const first = Math.min(...[...sent.values()].map((one) => one.at + LOCK_MS), at + restMs);
      await clock.sleep(first - at, nap.signal);
    } else if (!sent.has(message.sequence) && !(await isSpent(message))) {
      const [current] = program.subscribed('messages').filter((one) => one.client === client);
      if (current === undefined || isOver()) break;
      void send(message, current.subscription.qos, current.subscription.deviceId ?? '');
    }
  }
  // What was taken here has not been seen by the client that takes its place.
  down.rewind();
}
