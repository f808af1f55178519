import { type Failure, failure } from '../failure/failure.ts';
import type { Advance } from '../roll/advance.ts';
import type { Answer, Answerer, Ask, Keys, Ports } from '../roll/ports.ts';
import { type ReportOptions, statusOf } from '../roll/report.ts';
import type { Request, RollState } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import { csr, install } from './delivery.ts';
import type { Happened } from './perform.ts';

export interface AnswererOptions {
  readonly state: () => RollState;
  readonly report: () => ReportOptions;
  /** Hands an event to the loop; resolves once what came of it is on disk, or with why it is not. */
  readonly post: (event: Happened) => Promise<Advance | Failure>;
  readonly hurry: () => void;
  readonly changed: (listener: (event: object) => void) => () => void;
  readonly sleep: Clock['sleep'];
  readonly keys: Pick<Keys, 'csr'>;
  readonly judge: Ports['judge'];
  /** A leaf may be renewed with the key that it has (leaf.rotate_key = false). */
  readonly keepKey: boolean;
  readonly draw: () => number;
}

/** Answers direct methods and the control socket alike: at once, before the work that is asked for. */
export function createAnswerer(options: AnswererOptions): Answerer {
  return async (ask) => {
    switch (ask.kind) {
      case 'status':
        return { status: 200, body: statusOf(options.state(), options.report()) };
      case 'csr':
        return csr(options, ask);
      case 'install':
        return install(options, ask);
      default:
        return request(options, ask);
    }
  };
}

type RequestAsk = Extract<Ask, { kind: 're-register' | 'roll' }>;

async function request(options: AnswererOptions, ask: RequestAsk): Promise<Answer> {
  const { state, hurry } = options;
  const known = named(options, ask, ask.kind);
  if ('answer' in known) return known.answer;
  const { request: asked } = known;
  const came = await options.post({
    kind: 'asked',
    request: asked,
    delayMs: ask.delayMs,
    discard: ask.discard ?? false,
  });
  const refused = refusedBy(options, came, asked.id);
  // What is in flight may be paused, and serve this request as well.
  const isNow = refused === undefined ? ask.delayMs === 0 : refused.status === 409;
  if (isNow && ask.from === 'technician') hurry();
  return refused ?? { status: 202, body: { id: asked.id, phase: state().phase } };
}

/** A request that was asked before has its answer already; a new one gets an ID. */
export function named(
  options: AnswererOptions,
  { id: given, from }: { readonly id?: string; readonly from: Request['from'] },
  action: Request['action'],
): { readonly answer: Answer } | { readonly request: Request } {
  const { now } = options.report();
  const id = given ?? `${now.toString(36)}-${Math.floor(options.draw() * 36 ** 4).toString(36)}`;
  const answer = known(id, options);
  return answer === undefined ? { request: { id, action, reason: 'asked', from, at: now } } : { answer };
}

/** What there is to say of a request that was asked before: how it ended, or that it is in flight. */
function known(id: string, { state, report }: AnswererOptions): Answer | undefined {
  const ended = statusOf(state(), report()).outcomes.find((outcome) => outcome.id === id);
  if (ended !== undefined) return { status: 200, body: ended };
  const { request: inFlight, scheduled, phase } = state();
  return inFlight?.id === id || scheduled?.id === id ? { status: 202, body: { id, phase } } : undefined;
}

/** The answer where the rules, or the disk, did not let a request begin. */
export function refusedBy(options: AnswererOptions, came: Advance | Failure, id?: string): Answer | undefined {
  const { state, report } = options;
  if ('kind' in came) return refusal(500, came);
  const { decision } = came;
  if (decision?.action !== 'ignore') return undefined;
  // The same call twice at the same time: the other one has been taken since.
  const twin = id === undefined ? undefined : known(id, options);
  if (twin !== undefined) return twin;
  if (decision.rule === 'person') return refusal(409, failure('NL-ISSUER-PERSON'));
  if (decision.untilMs !== undefined) {
    const retryAfterSeconds = Math.max(1, Math.ceil((decision.untilMs - report().now) / 1000));
    const { body } = refusal(429, failure('NL-BUDGET', { message: sentenceOf(decision.why) }));
    return { status: 429, body: { retryAfterSeconds, ...body } };
  }
  const busy = state().request ?? state().scheduled;
  return { status: 409, body: { id: busy?.id, ...refusal(409, failure('NL-BUSY')).body } };
}

const sentenceOf = (why: string) => `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;

export function refusal(status: number, { code, message, advice }: Failure): Answer {
  return { status, body: { code, message, advice } };
}
