import type { HubSession } from '../mqtt/hub-session.ts';
import type { Client } from './ports.ts';
import type { Shared } from './shared.ts';

/** "responseTimeoutInSeconds … 5 to 300" (articles/iot-hub/iot-hub-devguide-direct-methods.md); the device is not told which. */
const LONGEST_CALL_MS = 300_000;
/** "128 KB" (articles/iot-hub/iot-hub-devguide-direct-methods.md): a hub may close the session over a longer one. */
const LARGEST_ANSWER = 131_072;
/** SDKs answer so for a method that they do not know, though another program may. */
const UNKNOWN = new Set([404, 501]);

interface Call {
  readonly session: HubSession;
  /** Who has been asked, and has not answered. */
  readonly asked: Set<Client>;
  readonly since: number;
  /** An answer that stands if no other comes. */
  weak?: Answer;
}

interface Answer {
  readonly status: number;
  readonly payload: Uint8Array;
}

/**
 * Direct methods of programs: each subscriber is asked, and the first answer counts. An answer that says "no such method" counts
 * only when all have said so.
 */
export class Methods {
  /** By the request ID of the hub, in the order of arrival. */
  readonly #calls = new Map<string, Call>();
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** @returns whether a program was asked */
  called(session: HubSession, topic: string, request: string, payload: Uint8Array): boolean {
    this.#forget();
    const clients = this.#shared
      .programs()
      .flatMap((program) => program.sessions.to('methods').map(({ client }) => client));
    if (clients.length === 0) return false;
    this.#calls.set(request, { session, asked: new Set(clients), since: this.#shared.clock.monotonic() });
    for (const client of clients) client.publish({ topic, payload }, 0).catch(() => this.gone(client));
    return true;
  }

  answered(client: Client, request: string, answer: Answer): void {
    this.#forget();
    const call = this.#calls.get(request);
    if (call === undefined || !call.asked.delete(client)) return;
    const isUnknown = UNKNOWN.has(answer.status);
    if (isUnknown) call.weak ??= answer;
    if (!isUnknown) this.#close(request, call, answer);
    else if (call.asked.size === 0) this.#close(request, call, call.weak ?? answer);
  }

  /** The client will not answer any more. */
  gone(client: Client): void {
    for (const [request, call] of this.#calls) {
      if (!call.asked.delete(client) || call.asked.size > 0) continue;
      this.#close(request, call, call.weak ?? GONE);
    }
  }

  #close(request: string, { session }: Call, answer: Answer): void {
    this.#calls.delete(request);
    const { status, payload } = answer.payload.length > LARGEST_ANSWER ? TOO_LONG : answer;
    const topic = `$iothub/methods/res/${status}/?$rid=${request}`;
    // A hub waits for the answer on the session of the call only.
    session.publish({ topic, payload, qos: 0 }).catch(() => {});
  }

  #forget(): void {
    const since = this.#shared.clock.monotonic() - LONGEST_CALL_MS;
    for (const [request, call] of this.#calls) if (call.since < since) this.#calls.delete(request);
  }
}

const answerOf = (status: number, message: string): Answer => ({
  status,
  payload: Buffer.from(JSON.stringify({ message })),
});

const GONE = answerOf(502, 'The program that was asked has gone before it answered.');
const TOO_LONG = answerOf(
  413,
  `The answer of the program is longer than the ${LARGEST_ANSWER} bytes that a hub takes.`,
);
