import type { Answer, Ask } from '../ask/ask.ts';
import type { Subscribe } from '../ask/event.ts';
import { type Failure, failure } from '../failure/failure.ts';
import type { Advanced } from '../roll/core/advance.ts';
import { type ReportOptions, statusOf } from '../roll/report.ts';
import type { Request, RollState } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';
import type { Happened } from './perform.ts';

/** What came of an event. */
export type Landed = Partial<Pick<Advanced, 'decision' | 'event'>>;

export interface AnswererOptions extends Pick<DaemonOptions, 'clock' | 'draw' | 'ports' | 'onboarding'> {
  readonly state: () => RollState;
  readonly report: () => ReportOptions;
  /** Hands an event to the loop; resolves once its result is on disk, or with why it is not. */
  readonly post: (event: Happened) => Promise<Landed | Failure>;
  readonly changed: Subscribe;
}

type RequestAsk = Extract<Ask, { kind: 're-register' | 'roll' }>;

export async function answerRequest(options: AnswererOptions, ask: RequestAsk): Promise<Answer> {
  const { state } = options;
  const known = asRequest(options, ask, ask.kind);
  if ('answer' in known) return known.answer;
  const { request } = known;
  const { delayMs, discard = false } = ask;
  const came = await options.post({ kind: 'asked', request, delayMs, discard });
  const refused = refusedBy(options, came, request.id);
  return refused ?? { is: 'accepted', id: request.id, phase: state().phase };
}

/** A repeated request has its answer already; a new one gets an ID. */
export function asRequest(
  options: AnswererOptions,
  { id: given, from }: { readonly id?: string; readonly from: Request['from'] },
  action: Request['action'],
): { readonly answer: Answer } | { readonly request: Request } {
  const { now } = options.report();
  const id = given ?? `${now.toString(36)}-${Math.floor(options.draw() * 36 ** 4).toString(36)}`;
  const answer = known(id, options);
  return answer === undefined ? { request: { id, action, reason: 'asked', from, at: now } } : { answer };
}

/** The answer to a repeated request: how it ended, or that it is in flight. */
function known(id: string, { state, report }: AnswererOptions): Answer | undefined {
  const outcome = statusOf(state(), report()).outcomes.find((one) => one.id === id);
  if (outcome !== undefined) return { is: 'ended', outcome };
  const { request: inFlight, scheduled, phase } = state();
  return inFlight?.id === id || scheduled?.id === id ? { is: 'accepted', id, phase } : undefined;
}

/** The answer where the rules, or the disk, did not let a request begin. */
export function refusedBy(options: AnswererOptions, came: Landed | Failure, id?: string): Answer | undefined {
  const { state, report } = options;
  if ('kind' in came) return { is: 'broken', failure: came };
  const { decision } = came;
  if (decision?.action !== 'ignore') return undefined;
  // The same call twice at the same time: the other one was accepted first.
  const twin = id === undefined ? undefined : known(id, options);
  if (twin !== undefined) return twin;
  if (decision.rule === 'person') return { is: 'busy', failure: failure('NL-ISSUER-PERSON') };
  if (decision.untilMs !== undefined) {
    const retryAfterSeconds = Math.max(1, Math.ceil((decision.untilMs - report().now) / 1000));
    return { is: 'later', failure: failure('NL-BUDGET', { message: sentenceOf(decision.why) }), retryAfterSeconds };
  }
  const busy = state().request ?? state().scheduled;
  return { is: 'busy', failure: failure('NL-BUSY'), id: busy?.id };
}

const sentenceOf = (why: string) => `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
