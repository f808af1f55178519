import type { HttpsReply } from '../../issuer/answer.ts';
import { exchange, type HttpsRequest, inTime } from '../../issuer/exchange.ts';

/** On a line of 2 s there and back a request takes 6 s, and 10 s more where packets are lost. */
const EXCHANGE_MS = 25_000;

/** One request over HTTPS. @param ms its time limit, in milliseconds @throws Fault NL-EST-… for every server; NL-TOKEN-… */
export const exchangeInTime = (request: Omit<HttpsRequest, 'signal'>, ms = EXCHANGE_MS): Promise<HttpsReply> =>
  inTime(request.url, ms, (signal) => exchange({ ...request, signal }));
