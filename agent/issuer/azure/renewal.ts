import { Fault } from '../../failure/failure.ts';
import type { HubMessage, HubSession, SessionUser } from '../../mqtt/hub-session.ts';
import { type Clock, systemClock } from '../../time/clock.ts';
import { within } from '../../time/within.ts';
import { ANSWERS, type HubAnswer, REQUESTS, readAnswer } from './answers.ts';

export interface RenewalTimes {
  /** For a session that is being opened, milliseconds. */
  readonly sessionMs: number;
  /** For SUBACK, and for the first answer: "arrives within 60 s" (azure-sdk-for-c, whose sample waits for 90 s). */
  readonly answerMs: number;
  /** For a certificate that follows at once; one that comes later is found at the next attempt. */
  readonly issueMs: number;
  /** Until the next attempt then. */
  readonly laterMs: number;
}

const TIMES: RenewalTimes = { sessionMs: 30_000, answerMs: 90_000, issueMs: 30_000, laterMs: 5 * 60_000 };

export interface LeafRequest {
  /** PKCS#10, DER in base64. */
  readonly csr: string;
  /** The same for the same request, also after a restart: a hub knows it by that. */
  readonly id: string;
  /** Called before it is sent for the first time; its result takes that back. */
  readonly begin: () => Promise<() => Promise<void>>;
}

/** A request that the hub has had. */
interface Sent {
  readonly id: string;
  /** In this session; an answer reaches only a session that is subscribed. */
  session?: HubSession;
  answer?: HubAnswer;
  /** Attempts without any answer. */
  silent: number;
  /** Attempts that have only waited, since its 202. */
  waited: number;
}

/** Three packets for one certificate: the request, the same in place of another one, and the same once more. */
const MOST_SENT = 3;
/** After the 202 nothing may come any more. To ask again is "known to be the same request", and these waits are an hour at most. */
const MOST_WAITED = 3;
/** A hub without the operation may say nothing, or end the session. */
const MOST_SILENT = 2;

/**
 * Renewal of the leaf over the open session (`$iothub/credentials/…`, api-version 2025-08-01-preview), as the first user of
 * the session: all other messages go to the next one. A hub holds one request for each device, and delivers the certificate
 * minutes to hours after its 202, in whichever session is subscribed then.
 */
export class HubRenewal implements SessionUser {
  readonly #next: SessionUser | undefined;
  readonly #times: RenewalTimes;
  readonly #clock: Pick<Clock, 'sleep'>;
  #session: HubSession | undefined;
  #sent: Sent | undefined;
  #opened: () => void = () => {};
  #heard: (answer: HubAnswer) => void = () => {};

  constructor(next: SessionUser | undefined, times = TIMES, clock: Pick<Clock, 'sleep'> = systemClock) {
    this.#next = next;
    this.#times = times;
    this.#clock = clock;
  }

  opened(session: HubSession): void {
    this.#session = session;
    void session.closed.then(() => {
      if (this.#session === session) this.#session = undefined;
    });
    this.#opened();
    this.#next?.opened(session);
  }

  arrived(session: HubSession, message: HubMessage): Promise<void> | undefined {
    if (!message.topic.startsWith(ANSWERS)) return this.#next?.arrived(session, message);
    const read = readAnswer(message.topic, message.payload);
    // Another request: of a key that is gone, or a second answer.
    if (read === undefined || read.request !== this.#sent?.id) return Promise.resolve();
    const { answer } = read;
    // A repeated 202 must not hide the certificate.
    if (answer.is !== 'accepted' || this.#sent.answer?.is !== 'issued') this.#sent.answer = answer;
    this.#sent.silent = 0;
    this.#heard(answer);
    return Promise.resolve();
  }

  /**
   * The certificates for a CSR, PEM. Asked again, it is the same request.
   * @returns undefined where there is no session, or where its hub does not offer this
   * @throws Fault NL-AZURE-PENDING, -REFUSED, -BUSY, -BODY, -SILENT, -PACE; the reason of the abort signal
   */
  async issue(request: LeafRequest, abort: AbortSignal): Promise<string | undefined> {
    if (this.#sent?.id !== request.id) this.#sent = undefined;
    const earlier = this.#sent;
    if (earlier?.answer?.is === 'issued') return earlier.answer.chain;
    const session = await this.#awaited(abort);
    if (session === undefined || (earlier !== undefined && earlier.silent >= MOST_SILENT)) return undefined;
    if (earlier?.answer?.is === 'accepted' && earlier.session === session && earlier.waited < MOST_WAITED) {
      earlier.waited += 1;
      throw this.#pending();
    }
    const takeBack = await request.begin();
    const sent: Sent = { id: request.id, silent: (earlier?.silent ?? 0) + 1, waited: 0 };
    this.#sent = sent;
    try {
      const isGranted = await this.#subscribed(session, abort);
      sent.session = session;
      const chain = isGranted ? await this.#request(request, session, abort) : undefined;
      if (chain === undefined) await takeBack();
      return chain;
    } catch (error) {
      if (error instanceof Fault && DECIDED.has(error.failure.code)) await takeBack();
      throw error;
    }
  }

  async #awaited(abort: AbortSignal): Promise<HubSession | undefined> {
    if (this.#session !== undefined) return this.#session;
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
    await this.#patiently(opened, this.#times.sessionMs, abort);
    return this.#session;
  }

  /** "Publish before SUBACK: no answer, and the connection may drop" (test run of Microsoft). */
  async #subscribed(session: HubSession, abort: AbortSignal): Promise<boolean> {
    const granted = session.subscribe(`${ANSWERS}#`, 1).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Fault) throw error;
        return false;
      },
    );
    const late = () => silent('no SUBACK');
    return within(granted, { abort, after: { ms: this.#times.answerMs, late, clock: this.#clock } });
  }

  async #request({ csr, id }: LeafRequest, session: HubSession, abort: AbortSignal): Promise<string | undefined> {
    const { deviceId } = session;
    let replace: string | undefined;
    for (let times = 0; times < MOST_SENT; times += 1) {
      const answer = await this.#ask(session, id, { id: deviceId, csr, ...(replace && { replace }) }, abort);
      switch (answer.is) {
        case 'issued':
          return answer.chain;
        case 'unoffered':
          return undefined;
        case 'failed':
          throw answer.fault;
        case 'accepted':
          throw this.#pending();
        case 'active':
          // Of a key that we do not have any more: the CSR of the one that we have, has this ID.
          if (answer.request === id) throw this.#pending();
          replace = answer.request ?? '*';
          break;
        case 'nothing':
          replace = undefined;
      }
    }
    throw new Fault('NL-AZURE-BUSY', { cause: 'another request of this device is active' });
  }

  /** The first answer, or the certificate where it follows at once. */
  async #ask(session: HubSession, id: string, body: object, abort: AbortSignal): Promise<HubAnswer> {
    const { answerMs, issueMs } = this.#times;
    const heard = () =>
      new Promise<HubAnswer>((resolve) => {
        this.#heard = resolve;
      });
    const first = heard();
    const lost = session.closed.then((): never => {
      throw new Fault('NL-AZURE-SILENT', { cause: 'the session ended' });
    });
    lost.catch(() => {});
    const payload = Buffer.from(JSON.stringify(body));
    await within(session.publish({ topic: `${REQUESTS}${id}`, payload, qos: 1 }), { abort });
    const after = { ms: answerMs, late: () => silent(`no answer within ${answerMs} ms`), clock: this.#clock };
    const answer = await within(Promise.race([first, lost]), { abort, after });
    if (answer.is !== 'accepted') return answer;
    // Both may have come in one piece.
    const latest = this.#sent?.answer ?? answer;
    if (latest.is !== 'accepted') return latest;
    return (await this.#patiently(heard(), issueMs, abort)) ?? answer;
  }

  /** Undefined when the time is over. */
  async #patiently<T>(work: Promise<T>, ms: number, abort: AbortSignal): Promise<T | undefined> {
    const over = new Error('over');
    return within(work, { abort, after: { ms, late: () => over, clock: this.#clock } }).catch((error: unknown) => {
      if (error === over) return undefined;
      throw error;
    });
  }

  #pending(): Fault {
    if (this.#sent !== undefined) this.#sent.answer ??= { is: 'accepted' };
    return new Fault('NL-AZURE-PENDING', { retryAfterMs: this.#times.laterMs });
  }
}

/** With these answers nothing was issued. */
const DECIDED: ReadonlySet<string> = new Set(['NL-AZURE-REFUSED', 'NL-AZURE-BUSY']);

const silent = (cause: string): Fault => new Fault('NL-AZURE-SILENT', { cause });
