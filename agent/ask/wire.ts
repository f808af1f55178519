import { toldFor } from '../failure/advice.ts';
import type { Answer, Answerer, Ask } from './ask.ts';

/** An answer as HTTP and direct methods carry it: a status like those of HTTP, and a JSON body. */
export interface WireAnswer {
  readonly status: number;
  readonly body: object;
}

export type WireAnswerer = (ask: Ask) => Promise<WireAnswer>;

/**
 * @param programs what a status has to say of the programs of the gateway, where there are any
 * @param automatic the issuer needs no person
 */
export const onWire =
  (answer: Answerer, programs: () => object | undefined = () => undefined, automatic = true): WireAnswerer =>
  async (ask) => {
    const answered = await answer(ask);
    const { status, body } = wired(answered, toldFor(automatic));
    const uplink = answered.is === 'status' ? programs() : undefined;
    return { status, body: uplink === undefined ? body : { ...body, uplink } };
  };

function wired(answer: Answer, shown: ReturnType<typeof toldFor>): WireAnswer {
  switch (answer.is) {
    case 'status':
      return { status: 200, body: answer.status };
    case 'ended':
      return { status: 200, body: answer.outcome };
    case 'csr':
    case 'onboarded':
    case 'accepted': {
      const { is, ...body } = answer;
      return { status: is === 'accepted' ? 202 : 200, body };
    }
    case 'busy':
      return { status: 409, body: { ...(answer.id !== undefined && { id: answer.id }), ...shown(answer.failure) } };
    case 'later': {
      const { retryAfterSeconds, failure } = answer;
      // Too many requests, or a leaf before its time.
      const status = failure.code === 'NL-BUDGET' ? 429 : 409;
      return { status, body: { retryAfterSeconds, ...shown(failure) } };
    }
    case 'refused':
      return { status: 400, body: shown(answer.failure) };
    case 'broken':
      return { status: 500, body: shown(answer.failure) };
  }
}
